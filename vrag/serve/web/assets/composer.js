// Where a question is typed: a field that grows with it, the button that asks or stops, and who shall answer.

import { h, redraw } from "./dom.js";
import { button } from "./states.js";

const LONGEST = 1000; // characters

export class Composer {
  /** `acts` are ask(text), stop() and choose(isPlain). */
  constructor(acts) {
    this.acts = acts;
    this.field = h("textarea", {
      id: "question",
      rows: 1,
      maxlength: LONGEST,
      enterkeyhint: "send",
      on: { input: () => this.#grow(), keydown: (event) => this.#press(event) },
    });
    this.label = h("label", { class: "unseen", for: "question" }, "Question");
    this.button = h("button", { type: "submit", class: "main" }, "Ask");
    this.ways = h("div", { class: "ways" });
    this.element = h(
      "form",
      { class: "composer", on: { submit: (event) => this.#submit(event) } },
      this.label,
      h("div", { class: "composing" }, this.field, this.button),
      this.ways,
    );
  }

  /** What it shows: whether an answer is coming, whether the conversation goes on, and what answers. */
  show({ isRunning, isFollowUp, isFull, isPlain, model }) {
    this.isRunning = isRunning;
    this.field.placeholder = isFull
      ? "This conversation is long: begin a new one"
      : isFollowUp
        ? "Ask further"
        : "Ask a question";
    this.field.disabled = isFull;
    this.button.disabled = isFull && !isRunning;
    this.button.textContent = isRunning ? "Stop" : "Ask";
    this.button.classList.toggle("main", !isRunning);
    redraw(this.ways, model === undefined ? [] : this.#answerers(model, isPlain));
  }

  focus() {
    this.field.focus({ preventScroll: true });
  }

  #answerers(model, isPlain) {
    if (!model) return [h("p", {}, "Answers are quotes, word for word. No language model is asked.")];
    const choice = (label, on) => {
      const choose = () => isPlain !== on && this.acts.choose(on);
      const chosen = button(label, choose);
      chosen.setAttribute("aria-pressed", String(isPlain === on));
      return chosen;
    };
    const name = model.name ?? "a language model";
    const said = isPlain ? "No language model is asked." : `${name} is shown the best pages; its claims are checked.`;
    const ways = [choice("Answer", false), choice("Quotes", true)];
    return [h("div", { class: "segments", role: "group", "aria-label": "Kind of answer" }, ways), h("p", {}, said)];
  }

  #press(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.isRunning) this.#ask();
  }

  #submit(event) {
    event.preventDefault();
    if (this.isRunning) this.acts.stop();
    else this.#ask();
  }

  #ask() {
    const text = this.field.value.trim();
    this.field.focus();
    if (!text) return;
    this.field.value = "";
    this.#grow();
    this.acts.ask(text);
  }

  #grow() {
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${this.field.scrollHeight}px`);
  }
}
