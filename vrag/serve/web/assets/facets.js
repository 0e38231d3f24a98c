// Filters beside the hits: documents that were found, and what is known of documents, with counts.

import { get } from "./api.js";
import { h } from "./dom.js";
import { clauses } from "./filters.js";
import { nameOf, number, valueText } from "./format.js";
import { icon } from "./icons.js";

const SHOWN = 6; // values of a key before the rest is folded
const MOST = 40;

/**
 * Counts of every key that is worth a choice, in the index as the other filters leave it:
 * a list of {key, values: [{value, label, count}]}.
 */
export async function loadFacets(filters, kinds, signal) {
  const ask = (except, keys) =>
    get("/v1/documents", { limit: 0, facets: keys, where: clauses(filters, except) }, signal);
  const chosen = [...filters.keys()].filter((key) => key !== "doc");
  const [rest, ...own] = await Promise.all([ask(null, "*"), ...chosen.map((key) => ask(key, key))]);
  const counts = { ...rest.facets };
  chosen.forEach((key, i) => Object.assign(counts, own[i].facets));
  return Object.entries(counts)
    .map(([key, values]) => ({ key, values: (kinds[key] === "date" ? years : plain)(values) }))
    .filter(({ key, values }) => chosen.includes(key) || isWorthIt(key, values));
}

/** A choice of one, or of titles that are all different, helps nobody. */
function isWorthIt(key, values) {
  return key !== "title" && values.length > 1 && (values.length <= SHOWN || values.some(({ count }) => count > 1));
}

function plain(values) {
  const known = values.filter(({ value }) => value !== null);
  return known.map(({ value, documents }) => ({ value: String(value), label: valueText(value), count: documents }));
}

/** Dates by year, the newest first. */
function years(values) {
  const counts = new Map();
  for (const { value, documents } of values) {
    if (value !== null) counts.set(String(value).slice(0, 4), (counts.get(String(value).slice(0, 4)) ?? 0) + documents);
  }
  return [...counts].sort(([a], [b]) => b.localeCompare(a)).map(([value, count]) => ({ value, label: value, count }));
}

/** Documents among the hits, the one with most hits first; by the names of their files where titles are the same. */
export function documentFacet(hits) {
  const found = new Map();
  for (const hit of hits)
    found.set(hit.doc, { value: hit.doc, label: nameOf(hit), count: (found.get(hit.doc)?.count ?? 0) + 1 });
  const values = [...found.values()].sort((a, b) => b.count - a.count);
  const isShared = ({ label }) => values.filter((other) => other.label === label).length > 1;
  return { key: "doc", values: values.map((one) => (isShared(one) ? { ...one, label: one.value } : one)) };
}

/** A group of choices; `choose(key, value)` is called for one. */
export function facetGroup({ key, values }, filters, choose) {
  const chosen = filters.get(key) ?? [];
  const items = values.slice(0, MOST).map((value) => choice(key, value, chosen, choose));
  const more = items.slice(SHOWN);
  return h(
    "fieldset",
    { class: "facet", data: { key } },
    h("legend", {}, key === "doc" ? "Document" : key),
    items.slice(0, SHOWN),
    more.length > 0 &&
      h(
        "details",
        { open: more.some((item) => item.querySelector(":checked")) },
        h("summary", {}, `${more.length} more`),
        more,
      ),
  );
}

function choice(key, { value, label, count }, chosen, choose) {
  return h(
    "label",
    { class: "choice", title: key === "doc" && label !== value ? `${label} (${value})` : label },
    h("input", {
      type: "checkbox",
      name: key,
      value,
      checked: chosen.includes(value),
      on: { change: () => choose(key, value) },
    }),
    h("span", { class: "value" }, label),
    h("span", { class: "count" }, number(count)),
  );
}

/** The filters that hold, as buttons that take them away. */
export function chips(filters, choose) {
  const chip = (key, value) =>
    h(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-label": `Without ${key} ${value}`,
        on: { click: () => choose(key, value) },
      },
      h("span", { class: "chip-key" }, key === "doc" ? "in" : key),
      h("span", { class: "chip-value" }, value),
      icon("close"),
    );
  return [...filters].flatMap(([key, values]) => values.map((value) => chip(key, value)));
}
