//! Reads forms and fills them from the address, without redrawing them, so that the cursor stays where it is.

import { useEffect, useRef } from "../vendor/preact.js";

/**
 * Returns what a field holds, without the space around it.
 * @param {Event} event @param {string} name
 */
export function readField(event, name) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  return String(new FormData(form).get(name) ?? "").trim();
}

/**
 * Returns a reference for a form whose fields follow these values whenever the values change.
 * @param {Record<string, string>} values
 */
export function useValues(values) {
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  useEffect(() => {
    if (form.current) fill(form.current, values);
  }, [JSON.stringify(values)]);
  return form;
}

/** @param {HTMLFormElement} form @param {Record<string, string>} values */
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = value === field.value;
    else if (field instanceof HTMLInputElement || field instanceof RadioNodeList) field.value = value;
  }
}
