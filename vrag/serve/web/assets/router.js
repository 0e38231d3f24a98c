// Which view the address names, and how to get to another one. The address is the only state that is shared.

const ROUTES = [
  ["search", /^\/$/],
  ["ask", /^\/ask$/],
  ["page", /^\/doc\/([0-9a-f]{64})\/(\d+)$/],
  ["documents", /^\/documents$/],
  ["jobs", /^\/jobs$/],
  ["reports", /^\/reports$/],
];
let listener = () => {};

/** The route of an address: view, what its path names, and its parameters; view "nowhere" for one that is none. */
export function routeOf(url) {
  for (const [view, pattern] of ROUTES) {
    const found = pattern.exec(url.pathname);
    if (found) return { view, names: found.slice(1), parameters: url.searchParams };
  }
  return { view: "nowhere", names: [], parameters: url.searchParams };
}

export const here = () => routeOf(new URL(location.href));

/** Go to an address of this page; with `replace` the one before is forgotten. The page stays where it is with null. */
export function go(address, { replace = false, scroll = 0 } = {}) {
  if (address === location.pathname + location.search) replace = true;
  if (replace) history.replaceState(history.state, "", address);
  else {
    history.replaceState({ ...history.state, scroll: scrollY }, "");
    history.pushState({ scroll: 0, inside: true }, "", address);
  }
  listener(here(), replace ? null : scroll);
}

/** One step back where this page was before; otherwise to `address`. */
export function back(address) {
  if (history.state?.inside) history.back();
  else go(address);
}

/** Calls `show(route, scroll)` now and whenever the address changes; scroll is null where it shall stay. */
export function start(show) {
  listener = show;
  history.scrollRestoration = "manual";
  addEventListener("popstate", (event) => show(here(), event.state?.scroll ?? 0));
  document.addEventListener("click", follow);
  show(here(), history.state?.scroll ?? 0);
}

/** Links to views are followed here, without loading the page anew. */
function follow(event) {
  const link = event.target.closest?.("a[href]");
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented || link.target || link.origin !== location.origin) return;
  const url = new URL(link.href);
  if (url.hash || routeOf(url).view === "nowhere") return;
  event.preventDefault();
  go(url.pathname + url.search);
}
