// The bar above hits: filters where there is no room beside, the order of hits, and the filters that hold.

import { h } from "./dom.js";
import { chips } from "./facets.js";
import { icon } from "./icons.js";

/** The controls for a `SearchView`. */
export function resultsBar(view) {
  const { filters } = view.want;
  const chosen = h("div", { class: "chips" }, chips(filters, view.choose));
  return [filtersButton(view.side), view.want.query && askLink(view.askAddress), order(view), chosen].filter(Boolean);
}

function askLink(href) {
  return h("a", { class: "button ask-this", href, title: "Ask this (A)" }, icon("ask"), "Ask this");
}

function filtersButton(side) {
  const toggle = () => button.setAttribute("aria-expanded", String(side.classList.toggle("open")));
  const isOpen = String(side.classList.contains("open"));
  const properties = { class: "show-facets", "aria-controls": side.id, "aria-expanded": isOpen, on: { click: toggle } };
  const button = h("button", { type: "button", ...properties }, icon("filter"), "Filters");
  return button;
}

function order(view) {
  const choice = (label, on) => {
    const click = () => view.isGrouped !== on && view.regroup();
    return h("button", { type: "button", "aria-pressed": String(view.isGrouped === on), on: { click } }, label);
  };
  const choices = [choice("Best first", false), choice("By document", true)];
  return h("div", { class: "segments", role: "group", "aria-label": "Order of hits" }, choices);
}
