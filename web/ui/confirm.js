//! A dialog that asks before something is lost. It does nothing by itself.

import { html, useEffect, useRef } from "../vendor/preact.js";

/**
 * Asks once, from the moment it is drawn; Escape means no.
 * @param {{title: string, detail: string, action: string, busy: boolean, onYes: () => void, onNo: () => void,
 *   children?: unknown}} props
 */
export function Confirm({ title, detail, action, busy, onYes, onNo, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  return html`
    <dialog ref=${dialog} class="confirm" aria-labelledby="confirm-title" onClose=${onNo}>
      <h2 id="confirm-title">${title}</h2>
      <p>${detail}</p>
      ${children}
      <div class="confirm-choice">
        <button type="button" class="quiet" onClick=${onNo}>Keep it</button>
        <button type="button" class="danger" disabled=${busy} onClick=${onYes}>${action}</button>
      </div>
    </dialog>`;
}
