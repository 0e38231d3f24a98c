// Questions of the Ask view and what came of them. They are kept while the page is open: the way back is immediate,
// and an answer goes on coming while one looks at a page.

import { ApiError } from "./api.js";
import { listen } from "./events.js";
import { clauses, filtersOf } from "./filters.js";

export const MOST = 12; // questions of a conversation: its address holds them all
const KEPT = 40;
const LONGEST = 4000; // characters of an answer that a question takes along
const NOTHING = { pages: null, searched: "", claims: [], quotes: [], reply: null, error: null };
const turns = new Map();

/** What an address asks: the questions in their order, what they are asked of, and the quote that is shown. */
export function asked(parameters) {
  const questions = parameters.getAll("q").map((text) => text.trim());
  const [turn, quote] = (parameters.get("quote") ?? "").split(".").map(Number);
  return {
    questions: questions.filter(Boolean).slice(0, MOST),
    filters: filtersOf(parameters),
    isPlain: parameters.get("by") === "quotes",
    waits: parameters.has("wait"), // another site led here: nothing is asked unless somebody says so
    shown: turn > 0 && quote > 0 ? { turn: turn - 1, quote: quote - 1 } : null,
  };
}

/** A turn for each question; the one that was there already, where the same was asked before. */
export function conversation({ questions, filters, isPlain }) {
  return questions.map((question, i) => {
    const key = JSON.stringify([questions.slice(0, i + 1), clauses(filters), isPlain]);
    const turn = turns.get(key) ?? new Turn(question, clauses(filters), isPlain);
    turns.delete(key);
    turns.set(key, turn); // the last one that was looked at goes last
    if (turns.size > KEPT) turns.delete(turns.keys().next().value);
    return turn;
  });
}

/** One question. `changed` is called when there is more of its answer; state: new, running, done, stopped, failed. */
export class Turn {
  constructor(question, where, isPlain) {
    Object.assign(this, { question, where, isPlain, ...NOTHING, state: "new", changed: () => {} });
  }

  /** Ask it after those before it; resolves when the answer has ended, however it did. */
  run(before) {
    this.ending ??= this.#run(before).finally(() => (this.ending = null));
    return this.ending;
  }

  stop() {
    this.asking?.abort();
  }

  /** As another question wants to know of it; nothing where it was not answered. */
  get history() {
    return this.reply ? [{ question: this.question, answer: this.reply.answer.slice(0, LONGEST) }] : [];
  }

  async #run(before) {
    this.asking = new AbortController();
    this.#become({ ...NOTHING, state: "running" });
    const history = before.flatMap((turn) => turn.history);
    const body = { question: this.question, where: this.where, model: !this.isPlain, history, stream: true };
    try {
      await listen("/v1/ask", body, (event, data) => this.#hear(event, data), this.asking.signal);
      if (!this.reply) throw new ApiError(0, "The answer ended before it was whole.", "Ask again.");
      this.#become({ state: "done" });
    } catch (error) {
      this.#become(error.name === "AbortError" ? { state: "stopped" } : { state: "failed", error });
    }
  }

  #hear(event, data) {
    if (event === "found") this.#become({ pages: data.pages, searched: data.searched ?? "" });
    if (event === "claim")
      this.#become({ claims: [...this.claims, data.claim], quotes: [...this.quotes, ...data.quotes] });
    if (event === "answer") {
      const { claims = [], quotes, pages, searched = "" } = data;
      this.#become({ reply: data, claims, quotes, pages, searched });
    }
    if (event === "error") throw new ApiError(data.status, data.detail, data.hint);
  }

  #become(changed) {
    Object.assign(this, changed);
    this.changed();
  }
}
