//! One hit: its rank, its scores, where it came from, and its text with the words of the query marked.

import { formatScore } from "../ui/format.js";
import { Highlight } from "../ui/highlight.js";
import { Metadata } from "../ui/parts.js";
import { documentHref } from "../ui/route.js";
import { html } from "../vendor/preact.js";
import { Place } from "./place.js";

/** Draws a hit. @param {{name: string, hit: import("../api.js").Hit, rank: number, query: string}} props */
export function HitItem({ name, hit, rank, query }) {
  const { id, document_id, score, scores = {}, text, metadata, source = {} } = hit;
  return html`
    <li class="hit">
      <div class="hit-head">
        <span class="rank" aria-label=${`Rank ${rank}`}>${rank}</span>
        <${Place} source=${source} />
        <dl class="scores">
          <div class="score"><dt>Score</dt><dd>${formatScore(score)}</dd></div>
          <div><dt>Dense</dt><dd>${formatScore(scores.dense)}</dd></div>
          <div><dt>Lexical</dt><dd>${formatScore(scores.lexical)}</dd></div>
        </dl>
      </div>
      <p class="text" dir="auto"><${Highlight} text=${text ?? ""} query=${query} /></p>
      <div class="hit-foot">
        <${Metadata} metadata=${metadata} />
        ${document_id ? html`<a href=${documentHref(name, document_id, { chunk: id })}>Read in the document</a>` : null}
      </div>
    </li>`;
}
