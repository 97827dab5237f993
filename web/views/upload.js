//! Takes files by drop or by button and sends them one at a time, so that a bad file fails alone.
//! It does not read files; the server says what it found in them.

import { uploadDocument } from "../api.js";
import { formatBytes } from "../ui/format.js";
import { Badge } from "../ui/parts.js";
import { html, useRef, useState } from "../vendor/preact.js";
import { Failure } from "./failure.js";

/** @typedef {{file: File, state: "waiting" | "sending" | "done" | "failed", problem?: unknown}} Parcel */

/** How a state is shown. */
const TONES = /** @type {const} */ ({ waiting: "calm", sending: "calm", done: "good", failed: "bad" });

/** Draws the place to drop files on, and what became of each. @param {{name: string, onChange: () => void}} props */
export function Upload({ name, onChange }) {
  const [parcels, setParcels] = useState(/** @type {Parcel[]} */ ([]));
  const [over, setOver] = useState(false);
  const busy = parcels.some(({ state }) => state === "waiting" || state === "sending");
  const begin = async (/** @type {FileList | null | undefined} */ files) => {
    if (busy || !files || files.length === 0) return;
    await sendAll(name, Array.from(files), setParcels);
    onChange();
  };
  return html`
    <section aria-labelledby="upload-title">
      <h2 id="upload-title">Add documents</h2>
      <div class=${over ? "drop over" : "drop"}
        onDragOver=${hold(() => setOver(true))}
        onDragLeave=${() => setOver(false)}
        onDrop=${hold((event) => (setOver(false), begin(event.dataTransfer?.files)))}>
        <p>${busy ? "Sending…" : "Drop files here"}</p>
        <${Picker} busy=${busy} onFiles=${begin} />
      </div>
      ${parcels.length > 0 ? html`<ul class="parcels" aria-live="polite">${parcels.map(line)}</ul>` : null}
    </section>`;
}

/** @param {{busy: boolean, onFiles: (files: FileList | null) => void}} props */
function Picker({ busy, onFiles }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  /** @param {Event} event */
  const picked = (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    onFiles(field.files);
    field.value = "";
  };
  return html`
    <input ref=${input} type="file" multiple hidden onChange=${picked} />
    <button type="button" class="quiet" disabled=${busy} onClick=${() => input.current?.click()}>Choose files</button>`;
}

/** Sends files in their order and tells after each step how all of them stand.
 * @param {string} name @param {File[]} files @param {(parcels: Parcel[]) => void} tell */
async function sendAll(name, files, tell) {
  /** @type {Parcel[]} */
  const parcels = files.map((file) => ({ file, state: "waiting" }));
  for (const parcel of parcels) {
    parcel.state = "sending";
    tell([...parcels]);
    try {
      await uploadDocument(name, parcel.file);
      parcel.state = "done";
    } catch (error) {
      parcel.state = "failed";
      parcel.problem = error;
    }
    tell([...parcels]);
  }
}

/** @param {Parcel} parcel */
function line({ file, state, problem }) {
  return html`
    <li>
      <span class="parcel-name">${file.name}</span>
      <span class="muted">${formatBytes(file.size)}</span>
      <${Badge} tone=${TONES[state]}>${state}<//>
      <${Failure} problem=${problem} />
    </li>`;
}

/** Keeps the browser from opening a dropped file in place of the page. @param {(event: DragEvent) => void} act */
function hold(act) {
  return (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    act(event);
  };
}
