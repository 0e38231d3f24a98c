// "Why this page": the explanation in sentences, what answers each word, and the numbers behind a fold.

import { h } from "./dom.js";
import { percent } from "./format.js";

const SOURCES = {
  region: "in the best passage",
  head: "in the page's first lines",
  context: "in what the document says of itself",
  page: "elsewhere on the page",
};
const NAMES = { "(whole query)": "The question as a whole", "(added by the model)": "Added by the model" };

export class Why {
  /** `showHeat(tokens)` is called with rows of the query, [] for all of them, or null for no heat. */
  constructor(showHeat) {
    this.showHeat = showHeat;
    this.element = h("section", { class: "why", "aria-labelledby": "why-title" });
  }

  clear(query) {
    this.element.hidden = !query;
    this.element.setAttribute("aria-busy", "true");
    this.element.replaceChildren(
      heading(),
      h("p", { class: "bone" }),
      h("p", { class: "bone" }),
      h("p", { class: "bone" }),
    );
  }

  fail(error) {
    this.element.removeAttribute("aria-busy");
    this.element.replaceChildren(
      heading(),
      h("p", { class: "failed" }, error.message),
      error.hint ? h("p", {}, error.hint) : "",
    );
  }

  show(explanation) {
    const { standing, sentences = [], words = [] } = explanation.summary;
    this.element.removeAttribute("aria-busy");
    this.element.replaceChildren(
      heading(),
      h("p", { class: "standing" }, standing),
      ...sentences.map((sentence) => h("p", {}, sentence)),
      ...(words.length ? [this.#words(words)] : []),
      numbers(explanation),
    );
  }

  /** Shows which heat is on. */
  press(tokens) {
    for (const button of this.element.querySelectorAll("[data-tokens]")) {
      button.setAttribute("aria-pressed", String(tokens !== null && button.dataset.tokens === tokens.join(" ")));
    }
  }

  #words(words) {
    const most = Math.max(...words.map(({ share }) => share), 1e-9);
    const toggle = (tokens) => (event) =>
      this.showHeat(event.currentTarget.getAttribute("aria-pressed") === "true" ? null : tokens);
    const row = ({ word, tokens, share, found, source }) =>
      h(
        "li",
        {},
        h(
          "button",
          {
            type: "button",
            class: "word",
            "aria-pressed": "false",
            title: `Heat of “${word}”`,
            data: { tokens: tokens.join(" ") },
            on: { click: toggle(tokens) },
          },
          h("span", { class: "asked" }, NAMES[word] ?? word),
          h("span", { class: "found-text" }, answer(word, found, source)),
          h(
            "span",
            { class: "share", role: "img", "aria-label": `${percent(share)} of the score` },
            h("span", { style: { width: `${Math.max(0, (share / most) * 100)}%` } }),
          ),
        ),
      );
    return h(
      "div",
      { class: "answers" },
      h(
        "header",
        {},
        h("h3", {}, "Your words"),
        h(
          "button",
          { type: "button", class: "all", "aria-pressed": "false", data: { tokens: "" }, on: { click: toggle([]) } },
          "All as heat",
        ),
      ),
      h("ul", {}, [...words].sort((a, b) => b.share - a.share).map(row)),
    );
  }
}

const heading = () => h("h2", { id: "why-title" }, "Why this page");

/** A word without case and the marks around it. */
const plain = (word) => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

function answer(word, found, source) {
  const same = plain(found) === plain(word);
  const text = !found ? "" : same ? "the word itself" : `“${found}”`;
  return [text, SOURCES[source]].filter(Boolean).join(", ");
}

function numbers({ cascade, score, stages, matches }) {
  return h(
    "details",
    { class: "numbers" },
    h("summary", {}, "The numbers"),
    h("p", {}, "Cascade ", h("code", {}, cascade)),
    table(
      "Stages",
      ["Stage", "Rank", "Score", "Pages", "Kept"],
      stages.map((stage) => [
        [stage.branch, stage.stage].filter(Boolean).join(": "),
        stage.rank,
        stage.score.toFixed(3),
        stage.candidates,
        stage.passed ? "yes" : `no, ${stage.limit} go on`,
      ]),
    ),
    table(
      `Matches, ${score.toFixed(3)} in all`,
      ["Query", "Page", "Cosine", "Adds"],
      matches.map((match) => [
        match.token,
        match.text || match.place,
        match.similarity.toFixed(3),
        match.contribution.toFixed(3),
      ]),
    ),
  );
}

function table(caption, names, rows) {
  return h(
    "div",
    { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          names.map((name) => h("th", { scope: "col" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((cell) => h("td", {}, String(cell ?? ""))),
          ),
        ),
      ),
    ),
  );
}
