//! Draws the view that the address names, and keeps the frame around it: title, navigation and keys.
//! It loads nothing; each view loads what it shows.

import { Banner } from "./ui/banner.js";
import { Empty } from "./ui/parts.js";
import { parseRoute } from "./ui/route.js";
import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/preact.js";
import { Collection } from "./views/collection.js";
import { Collections } from "./views/collections.js";
import { Document } from "./views/document.js";
import { Jobs } from "./views/jobs.js";
import { Search } from "./views/search.js";

/** @typedef {import("./ui/route.js").Route} Route */

/** @type {Record<import("./ui/route.js").ViewName, (props: {route: Route}) => unknown>} */
const VIEWS = {
  collections: Collections,
  collection: Collection,
  document: Document,
  search: Search,
  jobs: Jobs,
  missing: Missing,
};

const main = /** @type {HTMLElement} */ (document.getElementById("main"));

function App() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const route = parseRoute(hash);
  const screen = JSON.stringify([route.view, route.collection, route.document]);
  useEffect(() => frame(route), [screen]);
  return html`<${Boundary} key=${screen} route=${route} />`;
}

/** Keeps a defect in one view from taking the page with it. @param {{route: Route}} props */
function Boundary({ route }) {
  const [error, again] = useErrorBoundary();
  if (error) {
    const title = "This view could not be drawn.";
    return html`<${Banner} title=${title} code="page_defect" hint=${String(error)} onRetry=${again} />`;
  }
  return html`<${VIEWS[route.view]} route=${route} />`;
}

function Missing() {
  return html`<${Empty} title="No view has this address."><a href="#/">Go to the collections</a><//>`;
}

/** Fits title, navigation and scroll position to a screen that has just been opened. @param {Route} route */
function frame(route) {
  const names = [route.view === "search" ? "Search" : "", route.document, route.collection].filter(Boolean);
  document.title = [...names, route.view === "jobs" ? "Jobs" : "", "Ragstone"].filter(Boolean).join(" · ");
  for (const link of document.querySelectorAll("[data-nav]")) {
    const here = link.getAttribute("data-nav") === (route.view === "jobs" ? "jobs" : "collections");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
}

/** Moves to the search box on "/", except where the key is meant as text. @param {KeyboardEvent} event */
function reachSearch(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = /** @type {HTMLElement} */ (event.target);
  if (at.closest("input, textarea, select, dialog")) return;
  const box = /** @type {HTMLInputElement | null} */ (document.querySelector("[data-search]"));
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
}

/** Skips the header without changing the address, which names the view. @param {Event} event */
function skip(event) {
  event.preventDefault();
  main.focus();
}

addEventListener("keydown", reachSearch);
document.querySelector("[data-skip]")?.addEventListener("click", skip);
render(html`<${App} />`, main);
