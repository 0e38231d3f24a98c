// The bar above a page: back, pages, hits, size, heat and marks.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { iconButton } from "./states.js";

/** Groups of buttons for a `PageView`. */
export function pageBar(view) {
  const place = view.hitPlace;
  return [
    h("div", { class: "bar-group" }, backButton(view)),
    h(
      "div",
      { class: "bar-group pages" },
      disabled(
        iconButton("back", "Previous page", () => view.turn(-1), "←"),
        view.number <= 1,
      ),
      pageField(view),
      disabled(
        iconButton("next", "Next page", () => view.turn(1), "→"),
        view.number >= view.page.pages,
      ),
    ),
    view.hits.length > 0 &&
      h(
        "div",
        { class: "bar-group hit-steps" },
        disabled(
          iconButton("back", "Previous hit", () => view.toHit(-1), "["),
          place <= 0,
        ),
        h("span", { class: "place" }, place < 0 ? "Not a hit" : `Hit ${place + 1} of ${view.hits.length}`),
        disabled(
          iconButton("next", "Next hit", () => view.toHit(1), "]"),
          place < 0 || place >= view.hits.length - 1,
        ),
      ),
    h("span", { class: "space" }),
    view.want.query &&
      h(
        "div",
        { class: "bar-group" },
        switchButton("heat", "Heat", Boolean(view.heat), () => view.toggleHeat(), !view.explanation, "H"),
        switchButton("frame", "Marks", view.stage.hasMarks, () => view.toggleMarks(), false, "M"),
      ),
    h(
      "div",
      { class: "bar-group sizes" },
      iconButton("minus", "Smaller", () => view.stage.zoom(0.8), "−"),
      iconButton("plus", "Larger", () => view.stage.zoom(1.25), "+"),
      iconButton(
        view.stage.isWhole ? "width" : "whole",
        view.stage.isWhole ? "Fit the width" : "Fit the whole page",
        () => {
          view.stage.fit(!view.stage.isWhole);
          view.drawBar();
        },
        "0",
      ),
    ),
  ].filter(Boolean);
}

function backButton(view) {
  return h(
    "button",
    { type: "button", class: "quiet back", title: "Back (Esc)", on: { click: () => view.leaveTo() } },
    icon("back"),
    view.want.isSearch ? "Hits" : "Documents",
  );
}

function pageField(view) {
  const input = h("input", {
    type: "number",
    min: 1,
    max: view.page.pages,
    value: view.number,
    "aria-label": "Page",
    inputmode: "numeric",
  });
  input.addEventListener("input", () => (input.dataset.typed = "true"));
  input.addEventListener("change", () => {
    delete input.dataset.typed;
    view.toPage(Number(input.value));
  });
  return h("label", { class: "page-field" }, input, h("span", {}, `of ${view.page.pages}`));
}

function switchButton(name, label, on, click, off, key) {
  return h(
    "button",
    {
      type: "button",
      class: "quiet switch",
      "aria-label": label,
      "aria-pressed": String(on),
      disabled: off,
      title: `${label} (${key})`,
      on: { click },
    },
    icon(name),
    h("span", {}, label),
  );
}

function disabled(button, off) {
  button.disabled = off;
  return button;
}
