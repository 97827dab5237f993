//! A banner for what went wrong. It does not know where errors come from.

import { html } from "../vendor/preact.js";

/**
 * Draws a sentence, a code to quote, and what to do next.
 * @param {{title: string, code?: string, hint?: string, onRetry?: () => void, children?: unknown}} props
 */
export function Banner({ title, code, hint, onRetry, children }) {
  return html`
    <div class="banner" role="alert">
      <p class="banner-title"><span>${title}</span>${code ? html`<code>${code}</code>` : null}</p>
      ${hint ? html`<p class="banner-hint">${hint}</p>` : null}
      ${children}
      ${onRetry ? html`<button type="button" class="quiet" onClick=${onRetry}>Try again</button>` : null}
    </div>`;
}
