// One hit: the page's thumbnail with the region that answers, where it stands, and the passage.

import { query } from "./api.js";
import { h, placed } from "./dom.js";
import { nameOf } from "./format.js";
import { marked } from "./marks.js";
import { go } from "./router.js";

const MOST = 0.7; // of a page that a region may cover

/** Address of a hit's page in the viewer; it carries the search, so that the page can say why it was found. */
export function pageAddress(id, page, parameters = {}) {
  return `/doc/${id}/${page}${query(parameters)}`;
}

/** A hit as a list item. `title` is left out where a heading above has it. */
export function hitItem(hit, parameters, { withTitle = true } = {}) {
  const address = pageAddress(hit.doc_id, hit.page, parameters);
  const open = (event) => {
    const chosen = getSelection();
    if (!event.target.closest("a") && (chosen.isCollapsed || !event.currentTarget.contains(chosen.anchorNode)))
      go(address);
  };
  const name = nameOf(hit);
  return h(
    "li",
    { class: "hit", data: { doc: hit.doc, page: hit.page, id: hit.doc_id }, on: { click: open } },
    thumbnail(hit, address),
    h(
      "div",
      { class: "hit-text" },
      h(
        "h3",
        {},
        h(
          "a",
          { href: address, class: "hit-link", "aria-label": `${name}, page ${hit.page}` },
          withTitle ? name : `Page ${hit.page}`,
        ),
        !withTitle && relevance(hit.relevance),
      ),
      withTitle &&
        h(
          "p",
          { class: "hit-where" },
          h("span", { class: "page-number" }, `Page ${hit.page}`),
          name !== hit.doc && h("span", { class: "file" }, hit.doc),
          relevance(hit.relevance),
        ),
      hit.snippet
        ? h("p", { class: "snippet" }, marked(hit.snippet, hit.matched ?? []))
        : h("p", { class: "snippet none" }, "No text stands on this page."),
    ),
  );
}

function thumbnail(hit, address) {
  const image = h("img", { src: hit.thumbnail_url, alt: `Page ${hit.page} of ${nameOf(hit)}`, decoding: "async" });
  return h(
    "a",
    { class: "thumb", href: address, tabindex: "-1", "aria-hidden": "true" },
    h(
      "span",
      { class: "sheet" },
      h(
        "span",
        { class: "paper" },
        image,
        tells(hit.region) && h("span", { class: "region", style: placed(hit.region, 1) }),
      ),
    ),
  );
}

/** Whether a region says where to look; most of a page does not. */
const tells = (region) => region && (region[2] - region[0]) * (region[3] - region[1]) < MOST;

/** How likely a hit is what was looked for, as a short bar; nothing where that cannot be told. */
function relevance(share) {
  if (share === null) return null;
  const said = `Relevance ${Math.round(share * 100)} of 100`;
  return h(
    "span",
    { class: "relevance", role: "img", "aria-label": said, title: said },
    h("span", { style: { width: `${Math.max(4, share * 100)}%` } }),
  );
}
