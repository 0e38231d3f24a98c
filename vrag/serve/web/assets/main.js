// Starts the page: the search box, the keys, and the view that the address names.

import { query } from "./api.js";
import { startDropping } from "./dropping.js";
import { asParameters, filtersOf } from "./filters.js";
import { startJobs } from "./jobs.js";
import { setKeys, startKeys } from "./keys.js";
import { startPresses } from "./presses.js";
import { go, here, start } from "./router.js";
import * as searchView from "./search_view.js";
import { wanted } from "./searching.js";
import { failure, notice } from "./states.js";
import { startTheme } from "./theme.js";

// The first view is there at once, the others when they are wanted.
const VIEWS = {
  search: () => searchView,
  ask: () => loaded(["viewer.css", "ask.css"], import("./ask_view.js")),
  page: () => loaded(["viewer.css"], import("./page_view.js")),
  documents: () => loaded(["documents.css"], import("./documents_view.js")),
  jobs: () => loaded(["documents.css"], import("./jobs_view.js")),
  reports: () => loaded(["documents.css"], import("./reports_view.js")),
  nowhere: () => ({ show: showNowhere }),
};
const RESTS_MS = 1500; // a query that stood so long is one to come back to
const main = document.getElementById("main");
const box = document.getElementById("q");
let shown = { name: null, view: null, address: "" };
let turns = 0; // how often the address changed: a view that arrives after another change is not shown
let typed = 0; // when the box was typed into last

async function show(route, scroll) {
  const turn = (turns += 1);
  const isNew = route.view !== shown.name;
  const before = shown.address;
  if (isNew) {
    const module = await Promise.resolve(VIEWS[route.view]()).catch(() => null);
    if (turn !== turns) return;
    shown.view?.leave?.();
    document.body.dataset.view = route.view;
    shown = { name: route.view, view: module ? module.show(main, route) : showMissing() };
  } else shown.view.update?.(route);
  shown.address = location.pathname + location.search;
  markLinks(route);
  document.body.classList.toggle("home", route.view === "search" && !wanted(route.parameters).isSearch);
  document.title = shown.view.title ?? "vrag";
  setKeys(shown.view.keys ?? {});
  if (document.activeElement !== box) box.value = (route.view !== "ask" && route.parameters.get("q")) || "";
  if (scroll !== null) scrollTo(0, scroll);
  if (isNew && before && document.activeElement !== box) focusOn(before);
}

/** A view's module, once its styles are there, too. */
async function loaded(styles, module) {
  const missing = styles.filter((name) => !document.querySelector(`link[href="/assets/${name}"]`));
  await Promise.all(missing.map(load));
  return module;
}

function load(name) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `/assets/${name}` });
  return new Promise((done) => {
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
}

/** After a change of view: what the view gave the focus to, else the link that led away from here, else the content. */
function focusOn(address) {
  if (main.contains(document.activeElement) && document.activeElement !== main) return;
  const link = [...main.querySelectorAll("a[href]:not([tabindex])")].find(
    (one) => one.getAttribute("href") === address,
  );
  (link ?? main.querySelector(".stage") ?? main).focus({ preventScroll: true });
}

/** The link of the view that is shown; those to Search and Ask take the words along. */
function markLinks({ view, parameters }) {
  for (const link of document.querySelectorAll(".views a")) {
    if (link.dataset.for === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const q = ["search", "ask"].includes(view) ? parameters.getAll("q").at(-1)?.trim() : null;
  const carried = q ? query({ q, ...asParameters(filtersOf(parameters)) }) : "";
  document.querySelector(".views [data-for=search]").href = `/${view === "ask" ? carried : ""}`;
  document.querySelector(".views [data-for=ask]").href = `/ask${view === "search" ? carried : ""}`;
}

function showNowhere(root) {
  root.replaceChildren(
    notice({
      picture: "search",
      title: "There is nothing at this address",
      lines: ["Search above, or look at all documents."],
    }),
  );
  return { title: "Not found · vrag" };
}

function showMissing() {
  const error = {
    message: "The service cannot be reached.",
    hint: "Check that vrag serve is still running, then try again.",
  };
  main.replaceChildren(failure(error, () => location.reload()));
  return {};
}

/** What is typed goes into the address; a query that rested for a moment stays in the history. */
function type() {
  const route = here();
  const before = route.view === "search" ? route.parameters : new URLSearchParams();
  const kept = { ...asParameters(filtersOf(before)), by: before.get("by") };
  const rested = route.view !== "search" || !before.get("q") || Date.now() - typed > RESTS_MS;
  typed = Date.now();
  go(`/${query({ q: box.value.trim() ? box.value : "", ...kept })}`, { replace: !rested });
}

box.addEventListener("input", type);
box.form.addEventListener("submit", (event) => {
  event.preventDefault();
  typed = 0;
  if (here().view === "search") main.querySelector(".hit-link")?.focus();
  else type();
});
startPresses();
startTheme(document.getElementById("theme"));
startKeys(box, document.getElementById("keys"));
start(show);
startJobs(document.getElementById("running"));
startDropping();
const begun = here();
if (begun.view === "search" && !wanted(begun.parameters).isSearch && matchMedia("(hover: hover)").matches) box.focus();
