//! Shows a failed call as a banner, and asks for the API key where the server wants one.
//! It does not decide whether a call is tried again; the view does.

import { Problem, rememberKey } from "../api.js";
import { Banner } from "../ui/banner.js";
import { readField } from "../ui/form.js";
import { html } from "../vendor/preact.js";

/** Draws what the server said, nothing when all is well. @param {{problem: unknown, onRetry?: () => void}} props */
export function Failure({ problem, onRetry }) {
  if (!problem) return null;
  if (!(problem instanceof Problem)) return html`<${Banner} title=${String(problem)} code="page_defect" />`;
  const { status, code, title, detail, hint, field } = problem;
  const said = sentence(detail || title || `the server answered with status ${status}`);
  const where = field && !said.includes(field) ? `${said} (field ${field})` : said;
  const locked = status === 401;
  return html`
    <${Banner} title=${where} code=${code} hint=${sentence(hint)} onRetry=${locked ? undefined : onRetry}>
      ${locked ? html`<${KeyForm} onKey=${onRetry} />` : null}
    <//>`;
}

/** @param {{onKey?: () => void}} props */
function KeyForm({ onKey }) {
  /** @param {SubmitEvent} event */
  const keep = (event) => {
    event.preventDefault();
    rememberKey(readField(event, "key"));
    onKey?.();
  };
  return html`
    <form class="row" onSubmit=${keep}>
      <label class="field grow">
        <span>API key, kept until this tab is closed</span>
        <input name="key" type="password" autocomplete="off" required />
      </label>
      <button type="submit">Use this key</button>
    </form>`;
}

/** The API writes messages in lower case, so that they can be joined; alone they begin like a sentence.
 * @param {string} text */
function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
