// Beside a page: what document it is of, what is known of it, and what one can take along.

import { h } from "./dom.js";
import { nameOf, valueText } from "./format.js";
import { icon } from "./icons.js";

const SOURCES = {
  ocr: "The words were read from the picture (OCR).",
  "layer+ocr": "Some of the words were read from pictures (OCR).",
  none: "No words were found on this page.",
};

/** `act` has `file`, `link` and `text`, and `like`, an address. */
export function facts(page, act) {
  const action = (name, label, run) => h("button", { type: "button", on: { click: run } }, icon(name), label);
  const known = Object.entries(page.metadata).filter(([key]) => key !== "title");
  return [
    h("h1", {}, nameOf(page)),
    nameOf(page) !== page.doc && h("p", { class: "file" }, page.doc),
    SOURCES[page.source] && h("p", { class: "source" }, SOURCES[page.source]),
    page.failure && h("p", { class: "failed" }, icon("alert"), page.failure.reason),
    known.length > 0 &&
      h(
        "dl",
        { class: "known" },
        known.map(([key, value]) => [h("dt", {}, key), h("dd", {}, valueText(value))]),
      ),
    h(
      "div",
      { class: "takes" },
      action("open", /\.pdf$/i.test(page.doc) ? "Open the PDF here" : "Open the picture", act.file),
      action("link", "Copy link", act.link),
      action("copy", "Copy text", act.text),
      h("a", { class: "button", href: act.like, title: "More like this (S)" }, icon("search"), "More like this"),
    ),
  ].filter(Boolean);
}
