// One question and its answer: claims as they come, the quotes that they rest on, and the pages that were looked at.

import { h, redraw } from "./dom.js";
import { counted, nameOf } from "./format.js";
import { pageAddress } from "./hit.js";
import { icon } from "./icons.js";
import { button, failure } from "./states.js";

const SAID = { changed: "The page says something else", "not found": "Not on the page" };
const FROM_ELSEWHERE = "Another site led here. Nothing was asked yet.";
const QUOTES_ALONE = "Quotes, word for word. No language model wrote anything.";

export class TurnView {
  /** `view` is the Ask view: it knows addresses, what the index says of itself, and how to ask again. */
  constructor(turn, number, view) {
    Object.assign(this, { turn, number, view, drawn: [] });
    this.claims = h("div", { class: "claims" });
    this.quotes = h("ol", { class: "quotes" });
    this.nothing = h("p", { class: "nothing", hidden: true });
    this.said = h("div", { class: "said", "aria-live": "polite" }, this.claims, this.nothing, this.quotes);
    this.status = h("p", { class: "answer-status", role: "status" });
    this.pages = h("div", { class: "looked" });
    this.foot = h("footer", {});
    const title = h("h2", { class: "question", id: `turn-${number}`, tabindex: "-1" }, h("bdi", {}, turn.question));
    const parts = [title, this.status, this.said, this.pages, this.foot];
    this.element = h("article", { class: "turn", "aria-labelledby": title.id }, parts);
    this.draw();
  }

  draw() {
    const { turn } = this;
    this.element.dataset.state = turn.state;
    this.element.setAttribute("aria-busy", String(turn.state === "running"));
    this.status.replaceChildren(...this.sayState());
    this.drawClaims();
    this.drawQuotes();
    redraw(this.pages, this.lookedAt());
    redraw(this.foot, this.footer());
  }

  sayState() {
    const { turn, view } = this;
    const searched = turn.searched && [h("span", { class: "searched" }, "Searched for: ", h("bdi", {}, turn.searched))];
    if (turn.state === "stopped") return [...(searched || []), h("span", {}, "Stopped.")];
    if (turn.state === "new") return [h("span", {}, view.want.waits ? FROM_ELSEWHERE : "Not asked yet.")];
    if (turn.state !== "running") return searched || [];
    const doing = turn.pages ? view.reading(turn) : "Looking for pages";
    return [...(searched || []), h("span", { class: "waiting" }, doing)];
  }

  /** A claim that stands there already stays as it is: it is read aloud once. */
  drawClaims() {
    const texts = this.turn.claims.map((claim) => JSON.stringify(claim));
    const same = this.drawn.length <= texts.length && this.drawn.every((text, i) => text === texts[i]);
    if (!same) this.claims.replaceChildren();
    const begun = same ? this.drawn.length : 0;
    this.claims.append(...this.turn.claims.slice(begun).map((claim) => this.claim(claim)));
    this.drawn = texts;
  }

  claim({ text, quotes, supported, reason, unquoted = [] }) {
    const cites = quotes.map((number) => this.cite(number - 1));
    if (supported)
      return h(
        "p",
        { class: "claim" },
        h("bdi", {}, text),
        cites,
        unquoted.length > 0 && h("small", {}, `In none of its quotes: ${unquoted.join(", ")}.`),
      );
    return h(
      "p",
      { class: "claim unsupported" },
      h("span", { class: "badge" }, "Not supported"),
      h("s", {}, h("bdi", {}, text)),
      cites,
      h("small", {}, reason),
    );
  }

  /** [1], which opens the page of that quote. */
  cite(at) {
    const quote = this.turn.quotes[at];
    if (!quote?.page_url) return h("span", { class: "cite" }, String(at + 1));
    const label = `Quote ${at + 1}: ${this.where(quote)}`;
    return this.opens(at, { class: "cite", "aria-label": label, title: label }, String(at + 1));
  }

  opens(at, properties, ...children) {
    const open = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.view.open(this.number, at);
    };
    const href = this.view.address({ quote: `${this.number + 1}.${at + 1}` });
    return h("a", { href, data: { quote: `${this.number}.${at}` }, on: { click: open }, ...properties }, ...children);
  }

  /**
   * Quotes come with the answer; those of claims that are still coming are shown by their numbers. What stands there
   * stays as it is until there is another answer: somebody may be about to follow a quote, or has its text selected.
   */
  drawQuotes() {
    const { reply } = this.turn;
    if (reply === this.answered) return;
    this.answered = reply;
    this.nothing.hidden = !reply || reply.found;
    if (!this.nothing.hidden) this.nothing.replaceChildren(icon("search"), reply.answer);
    const shown = reply ? this.turn.quotes : [];
    this.quotes.classList.toggle("alone", !this.turn.claims.length);
    redraw(
      this.quotes,
      shown.map((quote, at) => this.quote(quote, at)),
    );
  }

  quote(quote, at) {
    const said = SAID[quote.status];
    const place = this.where(quote);
    return h(
      "li",
      { class: said ? "quote doubtful" : "quote", data: { doc: quote.doc, page: quote.page } },
      this.cite(at),
      h(
        "div",
        {},
        h("blockquote", {}, quote.text),
        h(
          "p",
          { class: "where" },
          quote.page_url ? this.opens(at, {}, h("bdi", {}, place)) : h("bdi", {}, place),
          said && h("span", { class: "badge" }, said),
        ),
        (quote.mismatches ?? []).map(difference),
      ),
    );
  }

  where(quote) {
    const hit = this.turn.pages?.find((one) => one.doc_id === quote.doc_id);
    return `${hit ? nameOf(hit) : quote.doc || "A page that was not shown"}, page ${quote.page}`;
  }

  lookedAt() {
    const { pages, reply, state } = this.turn;
    if (!pages?.length) return [];
    const list = h(
      "ul",
      {},
      pages.map((hit) => nearPage(hit, this.view.carried(this.turn))),
    );
    if (state !== "done") return [list];
    if (!reply.found) return [h("h3", {}, "The nearest pages"), list];
    return [h("details", {}, h("summary", {}, `${counted(pages.length, "page")} looked at`), list)];
  }

  footer() {
    const { turn, view } = this;
    if (turn.state === "running") return [];
    const again = button(turn.state === "new" ? "Ask" : "Ask again", () => view.askAgain(this.number));
    if (turn.state !== "done") return [...(turn.error ? [this.failed()] : []), ...(turn.error ? [] : [again])];
    const { found, model, left_out: notes = [] } = turn.reply;
    return [
      notes.length > 0 &&
        h(
          "ul",
          { class: "notes" },
          notes.map((note) => h("li", {}, note)),
        ),
      (model || found) && h("p", { class: "by" }, model ? byModel(model) : QUOTES_ALONE),
      h(
        "p",
        { class: "actions" },
        button("Copy", () => view.copy(turn), "quiet-text"),
        h("a", { class: "button quiet-text", href: view.searchAddress(turn) }, "Search for this"),
        button("Ask again", () => view.askAgain(this.number), "quiet-text"),
      ),
    ].filter(Boolean);
  }

  /** What went wrong, and how to go on: the pages that were found are still there. */
  failed() {
    const { turn, view } = this;
    const notice = failure(turn.error, () => view.askAgain(this.number));
    if (turn.pages && !turn.isPlain) notice.lastChild.append(button("Quotes alone", () => view.choose(true)));
    return notice;
  }
}

const byModel = (model) => `Written by ${model}. Each quote was looked for on its page.`;

/** What a quote says otherwise than its page. */
function difference({ said, stands }) {
  const words = (tag, text, nothing) => (text ? h(tag, {}, text) : nothing);
  return h(
    "p",
    { class: "difference" },
    "Quoted: ",
    words("del", said, "nothing"),
    ". On the page: ",
    words("ins", stands, "nothing"),
    ".",
  );
}

function nearPage(hit, parameters) {
  const name = `${nameOf(hit)}, page ${hit.page}`;
  return h(
    "li",
    { data: { doc: hit.doc, page: hit.page } },
    h(
      "a",
      { href: pageAddress(hit.doc_id, hit.page, parameters), title: name },
      h("img", { src: hit.thumbnail_url, alt: "", decoding: "async" }),
      h("span", { class: "name" }, nameOf(hit)),
      h("span", { class: "page-number" }, `Page ${hit.page}`),
    ),
  );
}

/** An answer as text, with what it rests on. */
export function answerText({ question, reply }) {
  const sources = reply.quotes.map((quote, i) => `[${i + 1}] “${quote.text}” (${quote.doc}, page ${quote.page})`);
  return [question, "", reply.answer, ...(reply.claims?.length ? ["", ...sources] : sourcesOnly(reply))].join("\n");
}

/** Of quotes alone the answer is their text already. */
const sourcesOnly = ({ quotes }) =>
  quotes.length ? ["", ...quotes.map(({ doc, page }, i) => `[${i + 1}] ${doc}, page ${page}`)] : [];
