// Hits of a search, flat or by document, with filters beside them. Without a query: what the index has.

import { query as asParametersText } from "./api.js";
import { h, redraw } from "./dom.js";
import { chips, documentFacet, facetGroup, loadFacets } from "./facets.js";
import { asParameters, toggled } from "./filters.js";
import { counted, milliseconds, nameOf } from "./format.js";
import { hitItem, pageAddress } from "./hit.js";
import { home } from "./home_view.js";
import { indexFacts } from "./index_facts.js";
import { onChange } from "./jobs.js";
import { resultsBar } from "./results_bar.js";
import { go } from "./router.js";
import { FIRST, MOST, remembered, search, wanted } from "./searching.js";
import { button, failure, notice, skeleton } from "./states.js";

const PAUSE_MS = 70; // between the last key and the search
const PATIENCE_MS = 150; // before old hits look old

export function show(main, route) {
  const view = new SearchView(main);
  view.update(route);
  return view;
}

class SearchView {
  constructor(main) {
    this.main = main;
    this.unhear = onChange("documents", () => (this.facetsOf = null));
    this.keys = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      j: () => this.move(1),
      k: () => this.move(-1),
      g: () => this.want.isSearch && this.regroup(),
      a: () => this.want.query && go(this.askAddress),
      Escape: () => this.escape(),
    };
  }

  get title() {
    if (this.want.like) return "More like a page · vrag";
    return this.want.query ? `${this.want.query} · vrag` : "vrag";
  }

  update(route) {
    this.parameters = route.parameters;
    this.want = wanted(route.parameters);
    this.isGrouped = route.parameters.get("by") === "document";
    this.stop();
    if (!this.want.isSearch) this.showHome();
    else if (remembered(this.want)) this.showAnswer(remembered(this.want));
    else this.ask();
  }

  leave() {
    this.stop();
    this.unhear();
  }

  stop() {
    clearTimeout(this.pause);
    clearTimeout(this.patience);
    this.asking?.abort();
  }

  showHome() {
    this.results = null;
    this.asking = new AbortController();
    home(this.main, chips(this.want.filters, this.choose), this.asking.signal);
  }

  /** Ask after a pause; what comes too late is dropped, since `stop` aborts it. */
  ask() {
    const asking = (this.asking = new AbortController());
    this.frame();
    if (!this.results.childElementCount) this.results.replaceChildren(skeleton(4, "hit"));
    this.patience = setTimeout(() => this.results?.setAttribute("aria-busy", "true"), PAUSE_MS + PATIENCE_MS);
    this.pause = setTimeout(
      async () => {
        try {
          const answer = await search(this.want, asking.signal);
          if (!asking.signal.aborted) this.showAnswer(answer);
        } catch (error) {
          if (!asking.signal.aborted) this.showError(error);
        }
      },
      this.hits ? PAUSE_MS : 0,
    );
  }

  /** The parts around the hits; made once, so that typing changes hits alone. */
  frame() {
    if (this.results?.isConnected) return;
    this.count = h("p", { class: "count", role: "status" });
    this.controls = h("div", { class: "controls" });
    this.results = h("div", { class: "results" });
    this.side = h("aside", { class: "facets", id: "facets", "aria-label": "Filters" });
    this.main.replaceChildren(
      h(
        "div",
        { class: "searching" },
        this.side,
        h("div", { class: "found" }, h("div", { class: "bar" }, this.count, this.controls), this.results),
      ),
    );
  }

  showAnswer(answer) {
    clearTimeout(this.patience);
    this.frame();
    this.hits = answer.hits;
    this.results.removeAttribute("aria-busy");
    this.showBar(answer);
    redraw(this.results, answer.hits.length ? this.list(answer.hits) : [this.nothing(answer)]);
    this.showFacets();
  }

  showError(error) {
    clearTimeout(this.patience);
    this.hits = [];
    this.results.removeAttribute("aria-busy");
    this.count.textContent = "";
    redraw(this.controls, [h("div", { class: "chips" }, chips(this.want.filters, this.choose))]);
    this.results.replaceChildren(failure(error, () => this.ask()));
  }

  showBar(answer) {
    const what = answer.found || !answer.hits.length ? "" : "Nothing relevant found; the nearest ";
    const pages = `${what}${counted(answer.hits.length, "page")}`;
    const whose = this.want.like ? likeWhich(this.want.like, answer.query) : [];
    redraw(this.count, [pages, ...whose, ` in ${milliseconds(answer.took_ms)}`]);
    redraw(this.controls, resultsBar(this));
  }

  list(hits) {
    const carried = this.carried();
    const flat = () => [
      h(
        "ol",
        { class: "hits" },
        hits.map((hit) => hitItem(hit, carried)),
      ),
    ];
    const more =
      hits.length === this.want.k &&
      this.want.k < MOST &&
      h(
        "p",
        { class: "more" },
        button("More pages", () => this.change({ k: Math.min(MOST, this.want.k + FIRST) }, true)),
      );
    return [...(this.isGrouped ? grouped(hits, carried) : flat()), ...(more ? [more] : [])];
  }

  nothing(answer) {
    const clear = button("Search without filters", () => this.change({}, false, new Map()), "main");
    return notice({
      picture: "search",
      title: this.want.like ? "No other page is like this one" : "No page answers this",
      lines: [answer.why_empty || (this.want.like ? "There may be no other." : "Try other words, or fewer of them.")],
      actions: this.want.filters.size ? [clear] : [],
    });
  }

  async showFacets() {
    const { filters } = this.want;
    const key = JSON.stringify([...filters]);
    const own = documentFacet(this.hits);
    const draw = () =>
      redraw(
        this.side,
        [own, ...this.facets]
          .filter(({ key: name, values }) => values.length > (filters.has(name) ? 0 : 1))
          .map((facet) => facetGroup(facet, filters, this.choose)),
      );
    if (this.facets) draw();
    if (this.facetsOf === key) return;
    try {
      const { kinds } = await indexFacts();
      const facets = await loadFacets(filters, kinds, this.asking?.signal);
      if (this.want.filters !== filters) return;
      [this.facets, this.facetsOf] = [facets, key];
      draw();
    } catch {
      // Hits are there without them; the next search asks again.
    }
  }

  choose = (key, value) => this.change({}, false, toggled(this.want.filters, key, value));

  regroup() {
    this.change({ by: this.isGrouped ? null : "document" }, true);
  }

  /** Another address of this view. */
  change(changed, replace, filters = this.want.filters) {
    const { k, by } = { k: this.parameters.get("k"), by: this.parameters.get("by"), ...changed };
    const { query: q, like } = this.want;
    go(`/${asParametersText({ q, like, ...asParameters(filters), by, k })}`, { replace });
  }

  /** Where the same words are asked. */
  get askAddress() {
    return `/ask${asParametersText(this.carried())}`;
  }

  /** What a page's address needs to know of this search. */
  carried() {
    return { q: this.want.query, like: this.want.like, ...asParameters(this.want.filters) };
  }

  move(step) {
    const links = [...this.main.querySelectorAll(".hit-link")];
    const at = links.indexOf(document.activeElement);
    if (at + step < 0 || !links.length) document.getElementById("q").select();
    else links[Math.min(at + step, links.length - 1)].focus();
  }

  escape() {
    const box = document.getElementById("q");
    if (document.activeElement !== box) box.select();
    else if (this.want.isSearch) go("/");
    else box.blur();
  }
}

/** The page that hits are like, as the answer calls it, with the way to it. */
function likeWhich(like, called) {
  const [id, page] = like.split("/");
  const name = called.slice(0, called.lastIndexOf(":"));
  return [" like ", h("a", { href: pageAddress(id, page) }, `${name}, page ${page}`)];
}

/** Hits under a heading for each document; documents in the order of their best hit. */
function grouped(hits, carried) {
  const groups = new Map();
  for (const hit of hits) groups.set(hit.doc_id, [...(groups.get(hit.doc_id) ?? []), hit]);
  return [...groups.values()].map((own) =>
    h(
      "section",
      { class: "group" },
      h("h2", {}, h("bdi", {}, nameOf(own[0])), h("span", { class: "count" }, counted(own.length, "page"))),
      h(
        "ol",
        { class: "hits" },
        own.map((hit) => hitItem(hit, carried, { withTitle: false })),
      ),
    ),
  );
}
