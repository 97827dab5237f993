//! A table that turns into cards on a narrow screen. It does not sort, filter or load.

import { html } from "../vendor/preact.js";

/**
 * @template R
 * @typedef {{title: string, cell: (row: R) => unknown, kind?: "text" | "number" | "action"}} Column
 */

/**
 * Draws rows under their titles; the first column names the row.
 * @template R
 * @param {{caption: string, columns: Column<R>[], rows: R[], rowKey: (row: R) => string, busy?: boolean}} props
 */
export function Table({ caption, columns, rows, rowKey, busy = false }) {
  return html`
    <table class="table" aria-busy=${busy}>
      <caption class="hidden">${caption}</caption>
      <thead>
        <tr>${columns.map((column) => html`<th scope="col" class=${column.kind}>${heading(column)}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`<tr key=${rowKey(row)}>${columns.map((column, at) => cell(column, row, at))}</tr>`)}
      </tbody>
    </table>`;
}

/** @param {Column<any>} column */
function heading({ title, kind }) {
  return kind === "action" ? html`<span class="hidden">${title}</span>` : title;
}

/** @template R @param {Column<R>} column @param {R} row @param {number} at */
function cell(column, row, at) {
  if (at === 0) return html`<th scope="row">${column.cell(row)}</th>`;
  const label = column.kind === "action" ? "" : column.title;
  return html`<td class=${column.kind} data-label=${label}>${column.cell(row)}</td>`;
}
