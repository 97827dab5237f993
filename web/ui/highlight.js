//! Marks the words of a query inside a text, as offsets first and as text nodes then.
//! It never makes HTML from a text, and it does not know how the server matched.

import { html } from "../vendor/preact.js";

/**
 * @typedef {{start: number, end: number}} Span Offsets in UTF-16 units, end excluded.
 */

/** Words that say nothing alone; they are marked only when the query holds no other word. */
const COMMON = new Set(
  ("a an and any are as at be by can do does for from has have how i if in is it its me my no not of on or our " +
    "should that the their this to was we were what when where which who why will with you your").split(" "),
);

/** Shorter words match only as they are; longer ones also as the beginning of a word, so `travel` marks `travels`. */
const PREFIX_LENGTH_MIN = 4;

const WORDS = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * Returns where words of the query stand in the text, in order and without overlap.
 * @param {string} text
 * @param {string} query
 * @returns {Span[]}
 */
export function findSpans(text, query) {
  const wanted = queryWords(query);
  if (wanted.length === 0) return [];
  const spans = [];
  for (const { segment, index, isWordLike } of WORDS.segment(text)) {
    if (isWordLike && matches(fold(segment), wanted)) spans.push({ start: index, end: index + segment.length });
  }
  return spans;
}

/** Draws a text with the words of the query marked. @param {{text: string, query: string}} props */
export function Highlight({ text, query }) {
  const pieces = [];
  let at = 0;
  for (const { start, end } of findSpans(text, query)) {
    pieces.push(text.slice(at, start), html`<mark>${text.slice(start, end)}</mark>`);
    at = end;
  }
  return html`${pieces}${text.slice(at)}`;
}

/** @param {string} query @returns {string[]} */
function queryWords(query) {
  const words = [];
  for (const { segment, isWordLike } of WORDS.segment(query)) {
    if (isWordLike) words.push(fold(segment));
  }
  const telling = words.filter((word) => !COMMON.has(word));
  return telling.length > 0 ? telling : words;
}

/** @param {string} word @param {string[]} wanted */
function matches(word, wanted) {
  return wanted.some((stem) => {
    if (word === stem) return true;
    const root = stem.replace(/s$/, "");
    return root.length >= PREFIX_LENGTH_MIN && word.startsWith(root);
  });
}

/** Takes case and accents away. @param {string} word */
function fold(word) {
  return word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
