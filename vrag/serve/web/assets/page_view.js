// The viewer: one page, large, with what answers marked on it, and beside it why it was found.

import { get, query, send } from "./api.js";
import { h, redraw } from "./dom.js";
import { asParameters } from "./filters.js";
import { nameOf } from "./format.js";
import { pageAddress } from "./hit.js";
import { facts } from "./page_facts.js";
import { pageBar } from "./page_bar.js";
import { boxesOf, frames } from "./quote_boxes.js";
import { back, go } from "./router.js";
import { asked, likeOf, search, wanted } from "./searching.js";
import { Stage } from "./stage.js";
import { failure } from "./states.js";
import { copy } from "./toasts.js";
import { Why } from "./why.js";

const HEAT_WIDTH = 800; // pixels of a heat picture, which the browser smooths
const STRONG = 0.35; // of the word that adds most: weaker matches are not marked on the page

export function show(main, route) {
  const view = new PageView(main);
  view.update(route);
  return view;
}

class PageView {
  constructor(main) {
    this.stage = new Stage();
    this.bar = h("div", { class: "page-bar", role: "toolbar", "aria-label": "Page" });
    this.facts = h("div", { class: "facts" });
    this.why = new Why((tokens) => this.showHeat(tokens));
    this.side = h("aside", { class: "page-side", "aria-label": "About this page" }, this.facts, this.why.element);
    this.body = h("div", { class: "viewer" }, this.bar, this.stage.element, this.side);
    this.main = main;
    main.replaceChildren(this.body);
    this.keys = {
      ArrowLeft: () => !this.stage.isWide && this.turn(-1),
      ArrowRight: () => !this.stage.isWide && this.turn(1),
      "[": () => this.toHit(-1),
      "]": () => this.toHit(1),
      "+": () => this.stage.zoom(1.25),
      "=": () => this.stage.zoom(1.25),
      "-": () => this.stage.zoom(0.8),
      0: () => this.stage.fit(),
      h: () => this.toggleHeat(),
      m: () => this.toggleMarks(),
      o: () => this.openFile(),
      l: () => this.copyLink(),
      c: () => this.copyText(),
      s: () => this.page && go(this.likeAddress),
      Escape: () => this.leaveTo(),
    };
  }

  get title() {
    return this.page ? `${nameOf(this.page)}, page ${this.number} · vrag` : `Page ${this.number} · vrag`;
  }

  async update(route) {
    this.leave();
    [this.id, this.number] = [route.names[0], Number(route.names[1])];
    this.want = wanted(route.parameters);
    this.quoted = boxesOf(route.parameters);
    const { signal } = (this.asking = new AbortController());
    if (!this.body.isConnected) this.main.replaceChildren(this.body);
    this.stage.wait();
    this.why.clear(this.want.query);
    try {
      this.page = await get(`/v1/documents/${this.id}/pages/${this.number}`, {}, signal);
      if (signal.aborted) return;
      document.title = this.title;
      this.drawPage();
      await Promise.all([this.explain(signal), this.findHits(signal)]);
    } catch (error) {
      if (!signal.aborted) this.main.replaceChildren(failure(error, () => this.update(route)));
    }
  }

  leave() {
    this.asking?.abort();
    [this.page, this.explanation, this.hits, this.heat] = [null, null, [], null];
  }

  drawPage() {
    this.stage.show(this.page);
    this.facts.replaceChildren(
      ...facts(this.page, {
        file: () => this.openFile(),
        link: () => this.copyLink(),
        text: () => this.copyText(),
        like: this.likeAddress,
      }),
    );
    if (this.quoted.length) this.stage.mark(frames(this.quoted), this.quoted);
    this.drawBar();
  }

  /** Not while somebody types the number of a page there: it would be lost. */
  drawBar() {
    if (!this.page) return;
    const field = this.bar.querySelector(".page-field input:focus");
    if (field?.dataset.typed) {
      field.addEventListener("blur", () => setTimeout(() => this.drawBar()), { once: true });
      return;
    }
    redraw(this.bar, pageBar(this));
    if (field) this.bar.querySelector(".page-field input").select(); // what is typed next is another number
  }

  /** Why the page stands where it does; a page that cannot be explained is shown all the same. */
  async explain(signal) {
    if (!this.want.query) return;
    try {
      const { k: _, ...about } = asked(this.want);
      const found = await send("POST", "/v1/explain", { ...about, doc_id: this.id, page: this.number }, { signal });
      if (signal.aborted) return;
      this.explanation = found;
      const { words = [], region = null } = found.summary;
      const most = Math.max(...words.map(({ share }) => share), 0);
      const marks = words.filter(({ share, found: text }) => text && share >= STRONG * most).map(({ box }) => box);
      if (!this.quoted.length) this.stage.mark(region ? [region] : [], marks);
      this.why.show(found);
      this.drawBar();
    } catch (error) {
      if (!signal.aborted) this.why.fail(error);
    }
  }

  async findHits(signal) {
    if (!this.want.isSearch) return;
    try {
      this.hits = (await search(this.want, signal)).hits;
      if (!signal.aborted) this.drawBar();
    } catch {
      // Then there is no way to the next hit; the page and its explanation say what is wrong.
    }
  }

  get parameters() {
    const { query: q, like, filters, k } = this.want;
    return this.want.isSearch ? { q, like, ...asParameters(filters), k: k > 10 ? k : null } : {};
  }

  get hitPlace() {
    return this.hits.findIndex((hit) => hit.doc_id === this.id && hit.page === this.number);
  }

  turn(step) {
    this.toPage(this.number + step);
    return true;
  }

  toPage(number) {
    if (this.page && number >= 1 && number <= this.page.pages)
      go(pageAddress(this.id, number, this.parameters), { replace: true });
  }

  toHit(step) {
    const hit = this.hits[this.hitPlace + step];
    if (hit) go(pageAddress(hit.doc_id, hit.page, this.parameters), { replace: true });
  }

  leaveTo() {
    back(this.want.isSearch ? `/${query(this.parameters)}` : "/documents");
  }

  toggleHeat() {
    this.showHeat(this.heat ? null : []);
  }

  /** Heat of these rows of the query, of all with an empty list, or none with null. */
  showHeat(tokens) {
    if (!this.explanation) return;
    this.heat = tokens;
    const asks = query({ q: this.want.query, token: tokens, width: HEAT_WIDTH });
    this.stage.heat(tokens && `/v1/documents/${this.id}/pages/${this.number}/heatmap${asks}`);
    this.why.press(tokens);
    this.drawBar();
  }

  toggleMarks() {
    this.stage.toggleMarks();
    this.drawBar();
  }

  /** Where pages like this one are. */
  get likeAddress() {
    return `/${query({ like: likeOf(this.id, this.number) })}`;
  }

  openFile() {
    if (this.page) open(this.page.file_url, "_blank", "noopener");
  }

  copyLink() {
    copy(location.href, "The link is copied.");
  }

  copyText() {
    if (this.page) copy(this.page.text, "The page's text is copied.");
  }
}
