//! The plan of a search: which way was taken, what it cost, and where the time went. It judges nothing.

import { formatCount, formatMs } from "../ui/format.js";
import { Facts } from "../ui/parts.js";
import { html } from "../vendor/preact.js";

/** The shortest bar, in percent, so that a stage of no length is seen too. */
const SHARE_MIN = 0.5;

/** Draws the plan. @param {{plan: import("../api.js").Plan}} props */
export function PlanPanel({ plan: { strategy, allowed, distances, stages_ms = {} } }) {
  const stages = Object.entries(stages_ms);
  const longest = Math.max(...stages.map(([, ms]) => ms), Number.MIN_VALUE);
  return html`
    <section class="plan" aria-labelledby="plan-title">
      <h2 id="plan-title">Plan</h2>
      <${Facts} facts=${[
        ["Strategy", html`<code>${strategy}</code>`],
        ["Rows allowed", formatCount(allowed)],
        ["Distances", formatCount(distances)],
      ]} />
      ${stages.length > 0 ? html`
        <table class="stages">
          <caption class="hidden">Time in each stage</caption>
          <tbody>
            ${stages.map(([stage, ms]) => html`
              <${Stage} key=${stage} stage=${stage} ms=${ms} share=${ms / longest} />`)}
          </tbody>
        </table>` : null}
    </section>`;
}

/** The bar is drawn by attributes, because the page allows no inline style.
 * @param {{stage: string, ms: number, share: number}} props */
function Stage({ stage, ms, share }) {
  return html`
    <tr>
      <th scope="row">${stage}</th>
      <td class="bar">
        <svg width="100%" height="8" aria-hidden="true">
          <rect width=${`${Math.max(share * 100, SHARE_MIN)}%`} height="8" rx="2" />
        </svg>
      </td>
      <td class="number">${formatMs(ms)}</td>
    </tr>`;
}
