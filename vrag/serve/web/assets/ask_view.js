// The Ask view: questions and their answers one below the other, and beside them the page of a quote.

import { query } from "./api.js";
import { Composer } from "./composer.js";
import { asked, conversation, MOST } from "./conversation.js";
import { h, redraw } from "./dom.js";
import { chips } from "./facets.js";
import { asParameters, toggled } from "./filters.js";
import { counted } from "./format.js";
import { indexFacts } from "./index_facts.js";
import { QuotePanel } from "./quote_panel.js";
import { back, go } from "./router.js";
import { copy } from "./toasts.js";
import { answerText, TurnView } from "./turn_view.js";

const NARROW = matchMedia("(max-width: 1099px)"); // where the page lies over the answer

export function show(main, route) {
  const view = new AskView(main);
  view.update(route);
  return view;
}

class AskView {
  constructor(main) {
    this.turns = [];
    this.facts = null;
    this.panel = new QuotePanel(() => this.close());
    this.composer = new Composer({
      ask: (text) => this.ask(text),
      stop: () => this.running?.stop(),
      choose: (isPlain) => this.choose(isPlain),
    });
    this.head = h("div", { class: "ask-head" });
    this.list = h("div", { class: "turns" });
    this.column = h("div", { class: "column" }, this.head, this.list, this.composer.element);
    this.body = h("div", { class: "asking" }, this.column, this.panel.element);
    main.replaceChildren(this.body);
    this.narrowed = () => this.cover();
    NARROW.addEventListener("change", this.narrowed);
    this.keys = {
      Escape: () => (this.panel.element.hidden ? this.composer.focus() : this.close()),
      "[": () => this.step(-1),
      "]": () => this.step(1),
      "+": () => this.panel.stage.zoom(1.25),
      "=": () => this.panel.stage.zoom(1.25),
      "-": () => this.panel.stage.zoom(0.8),
      0: () => this.panel.stage.fit(),
    };
    this.know();
  }

  get title() {
    return `${this.want.questions.at(-1) ?? "Ask"} · vrag`;
  }

  get running() {
    return this.turns.find((turn) => turn.state === "running");
  }

  update(route) {
    this.want = asked(route.parameters);
    const turns = conversation(this.want);
    if (turns.length !== this.turns.length || turns.some((turn, i) => turn !== this.turns[i])) this.showTurns(turns);
    this.drawAround();
    this.showQuote();
    if (!turns.length && matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  leave() {
    for (const turn of this.turns) turn.changed = () => {};
    this.turns = []; // what runs goes on; what was not asked yet is not asked
    this.panel.hide();
    NARROW.removeEventListener("change", this.narrowed);
  }

  /** What the index says of itself: whether there is a language model. */
  async know() {
    try {
      this.facts = await indexFacts();
      this.drawAround();
    } catch {
      // The first question says that the service is away.
    }
  }

  showTurns(turns) {
    const before = this.turns;
    const kept = turns.findIndex((turn, i) => turn !== before[i]);
    const same = kept < 0 ? turns.length : kept;
    for (const turn of before.slice(same)) turn.changed = () => {};
    while (this.list.childElementCount > same) this.list.lastChild.remove();
    this.turns = turns;
    turns.slice(same).forEach((turn, i) => this.addTurn(turn, same + i));
    if (before.length && same < turns.length) this.list.lastChild.scrollIntoView({ block: "start" });
    this.run(turns);
  }

  addTurn(turn, number) {
    const shown = new TurnView(turn, number, this);
    turn.changed = () => {
      shown.draw();
      this.drawAround();
      this.showQuote();
    };
    this.list.append(shown.element);
  }

  /** Ask what was not asked yet, one after the other: each wants to know those before it. */
  async run(turns) {
    for (const [i, turn] of turns.entries()) {
      if (this.turns !== turns || this.want.waits) return;
      await (turn.state === "new" ? turn.run(turns.slice(0, i)) : turn.ending);
    }
  }

  drawAround() {
    const { questions, filters, isPlain } = this.want;
    const choose = (key, value) => go(this.address({ filters: toggled(filters, key, value), quote: null }));
    const filtered = h("div", { class: "chips" }, chips(filters, choose));
    redraw(this.head, questions.length ? [filtered, this.anew()] : [this.welcome(), filtered]);
    this.composer.show({
      isRunning: Boolean(this.running),
      isFollowUp: questions.length > 0,
      isFull: questions.length >= MOST,
      isPlain,
      model: this.facts?.language_model,
    });
  }

  welcome() {
    const { pages, documents } = this.facts ?? {};
    const line = pages ? `${counted(pages, "page")} of ${counted(documents, "document")} can answer.` : "\u00a0";
    return h("div", { class: "welcome" }, h("h1", {}, "Ask the documents"), h("p", {}, line));
  }

  anew() {
    const href = `/ask${query(asParameters(this.want.filters))}`;
    return h("a", { class: "button quiet-text", href }, "New conversation");
  }

  /** An address of this view that differs in what is given. */
  address({ questions = this.want.questions, filters = this.want.filters, isPlain = this.want.isPlain, quote = null }) {
    return `/ask${query({ q: questions, ...asParameters(filters), by: isPlain ? "quotes" : null, quote })}`;
  }

  ask(text) {
    go(this.address({ questions: [...this.want.questions, text] }), { scroll: null });
  }

  askAgain(number) {
    this.turns[number].run(this.turns.slice(0, number));
  }

  choose(isPlain) {
    go(this.address({ isPlain }), { scroll: null });
  }

  /** Shows a quote of a turn; the way back leads to the answer without it. */
  open(turn, quote) {
    go(this.address({ quote: `${turn + 1}.${quote + 1}` }), { replace: !this.panel.element.hidden, scroll: null });
  }

  step(by) {
    const { shown } = this.want;
    const quotes = this.turns[shown?.turn]?.quotes ?? [];
    if (quotes[shown?.quote + by]?.page_url) this.open(shown.turn, shown.quote + by);
  }

  close() {
    back(this.address({}));
  }

  /** The page of the quote that the address names, as soon as that quote is there. */
  showQuote() {
    const { shown } = this.want;
    const turn = shown && this.turns[shown.turn];
    const quote = turn?.quotes[shown.quote];
    const key = quote?.page_url ? JSON.stringify(quote) : null;
    const before = [...this.list.querySelectorAll("[data-quote][aria-current]")];
    before.forEach((link) => link.removeAttribute("aria-current"));
    if (key) this.links(shown).forEach((link) => link.setAttribute("aria-current", "true"));
    if (key === this.quoted) return;
    this.quoted = key;
    const hadFocus = this.panel.element.contains(document.activeElement);
    if (key) this.panel.show(quote, this.carried(turn));
    else this.panel.hide();
    this.body.classList.toggle("with-page", Boolean(key));
    this.cover();
    if (!key && hadFocus) before[0]?.focus({ preventScroll: true });
  }

  /** The links that open a quote. */
  links({ turn, quote }) {
    return [...this.list.querySelectorAll(`[data-quote="${turn}.${quote}"]`)];
  }

  /** Where the page lies over the answer, the answer behind it cannot be reached. */
  cover() {
    this.column.inert = NARROW.matches && Boolean(this.quoted);
    if (this.column.inert) this.panel.name.focus({ preventScroll: true });
  }

  /** What a page's address needs to know of a question. */
  carried(turn) {
    return { q: turn.searched || turn.question, ...asParameters(this.want.filters) };
  }

  searchAddress(turn) {
    return `/${query(this.carried(turn))}`;
  }

  reading(turn) {
    const model = !turn.isPlain && this.facts?.language_model;
    const pages = counted(turn.pages.length, "page");
    return model ? `${model.name ?? "The language model"} is reading ${pages}` : `Reading ${pages}`;
  }

  copy(turn) {
    copy(answerText(turn), "The answer is copied.");
  }
}
