//! Loads what a view shows, and forgets answers that come after the view has moved on. It retries nothing by itself.

import { useEffect, useState } from "../vendor/preact.js";

/**
 * @template T
 * @typedef {{busy: boolean, data?: T, problem?: unknown, reload: () => void}} Loaded
 */

/**
 * Loads on the first draw and whenever a key changes. The last data stays visible meanwhile.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} keys
 * @returns {Loaded<T>}
 */
export function useLoad(load, keys) {
  const [state, setState] = useState(/** @type {Omit<Loaded<T>, "reload">} */ ({ busy: true }));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const keep = (/** @type {Omit<Loaded<T>, "reload">} */ next) => leaving.signal.aborted || setState(next);
    setState((before) => ({ ...before, busy: true, problem: undefined }));
    attempt(load, leaving.signal).then(
      (data) => keep({ busy: false, data }),
      (problem) => keep({ busy: false, problem }),
    );
    return () => leaving.abort();
  }, [...keys, turn]);
  return { ...state, reload: () => setTurn((before) => before + 1) };
}

/** Turns what `load` throws before its first wait into a rejection too.
 * @template T @param {(signal: AbortSignal) => Promise<T>} load @param {AbortSignal} signal */
async function attempt(load, signal) {
  return load(signal);
}
