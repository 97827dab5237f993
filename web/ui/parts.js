//! The small pieces that every view is put together from. They know nothing of collections or documents.

import { html } from "../vendor/preact.js";
import { formatTime, formatValue } from "./format.js";

/** Draws a word on a quiet ground. @param {{tone?: "calm" | "good" | "warn" | "bad", children?: unknown}} props */
export function Badge({ tone = "calm", children }) {
  return html`<span class="badge ${tone}">${children}</span>`;
}

/** Draws names and values side by side. @param {{facts: [string, unknown][], wide?: boolean}} props */
export function Facts({ facts, wide = false }) {
  return html`
    <dl class=${wide ? "facts wide" : "facts"}>
      ${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}

/** Draws metadata as facts; nothing at all where there is none. @param {{metadata?: Record<string, unknown>}} props */
export function Metadata({ metadata = {} }) {
  const names = Object.keys(metadata).filter((name) => metadata[name] != null);
  if (names.length === 0) return null;
  return html`
    <ul class="metadata" aria-label="Metadata">
      ${names.map((name) => html`<li key=${name}><span>${name}</span> ${formatValue(metadata[name])}</li>`)}
    </ul>`;
}

/** Draws the way back up. @param {{steps: [string, string][]}} props Pairs of name and address. */
export function Crumbs({ steps }) {
  return html`
    <nav class="crumbs" aria-label="Where you are">
      <ol>${steps.map(([name, address]) => html`<li key=${address}><a href=${address}>${name}</a></li>`)}</ol>
    </nav>`;
}

/** Says that there is nothing, and what to do next.
 * @param {{title: string, command?: string, children?: unknown}} props */
export function Empty({ title, command, children }) {
  return html`
    <div class="empty">
      <p class="empty-title">${title}</p>
      ${children ? html`<p>${children}</p>` : null}
      ${command ? html`<pre><code>${command}</code></pre>` : null}
    </div>`;
}

/** Draws a moment, with its exact form for machines and on hover. @param {{at?: string | null}} props */
export function Time({ at }) {
  return html`<time datetime=${at ?? ""} title=${at ?? ""}>${formatTime(at)}</time>`;
}

/** Draws lines that stand for what is on its way. @param {{label: string}} props */
export function Waiting({ label }) {
  return html`
    <div class="waiting" role="status">
      <span class="hidden">${label}</span><span class="bone"></span><span class="bone"></span><span class="bone"></span>
    </div>`;
}
