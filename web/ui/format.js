//! Writes numbers, sizes, times and values as people read them. It draws nothing and knows no language but English.

const COUNT = new Intl.NumberFormat("en");
const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DAY = new Intl.DateTimeFormat("en-CA", { year: "numeric", month: "2-digit", day: "2-digit" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** What stands where a value is missing. */
export const NOTHING = "–";

/** @param {number | null | undefined} value */
export function formatCount(value) {
  return value == null ? NOTHING : COUNT.format(value);
}

/** @param {number} value @param {string} one @param {string} [many] */
export function formatPlural(value, one, many = `${one}s`) {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** Returns a size in binary units with three digits at most. @param {number | null | undefined} bytes */
export function formatBytes(bytes) {
  if (bytes == null) return NOTHING;
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** @param {string | null | undefined} timestamp RFC 3339; anything else comes back as it is. */
export function formatTime(timestamp) {
  if (!timestamp) return NOTHING;
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? timestamp : `${DAY.format(time)} ${CLOCK.format(time)}`;
}

/** Returns three digits that count, because fused scores differ far behind the point.
 * @param {number | null | undefined} score */
export function formatScore(score) {
  if (score == null) return NOTHING;
  return Math.abs(score) >= 100 ? score.toFixed(0) : score.toPrecision(3);
}

/** @param {number | null | undefined} ms */
export function formatMs(ms) {
  if (ms == null) return NOTHING;
  if (ms > 0 && ms < 0.01) return "< 0.01 ms";
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

/** Returns one metadata value as text. @param {unknown} value */
export function formatValue(value) {
  if (value == null || value === "") return NOTHING;
  if (Array.isArray(value)) return value.map(String).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Returns nothing where there are no pages. @param {{page?: number | null, page_end?: number | null}} source */
export function formatPages({ page, page_end }) {
  if (page == null) return "";
  return page_end == null || page_end === page ? `page ${page}` : `pages ${page}–${page_end}`;
}

/** @param {{char_start?: number | null, char_end?: number | null}} source */
export function formatRange({ char_start, char_end }) {
  if (char_start == null || char_end == null) return "";
  return `characters ${formatCount(char_start)}–${formatCount(char_end)}`;
}
