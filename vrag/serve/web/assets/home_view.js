// The start page: what the index holds, and its newest documents to look into.

import { get } from "./api.js";
import { h } from "./dom.js";
import { counted, nameOf } from "./format.js";
import { pageAddress } from "./hit.js";
import { indexFacts } from "./index_facts.js";
import { failure, notice } from "./states.js";

const NEWEST = 12;

/** `filters` are those that will hold for what is typed, as chips. */
export async function home(main, filters, signal) {
  const line = document.getElementById("hero-line");
  try {
    const [facts, { documents }] = await Promise.all([
      indexFacts(),
      get("/v1/documents", { limit: NEWEST, sort: "-added" }, signal),
    ]);
    if (signal.aborted) return;
    line.textContent = facts.pages
      ? `${counted(facts.pages, "page")} of ${counted(facts.documents, "document")} are ready${there(facts)}.`
      : `Nothing is indexed yet${there(facts)}.`;
    main.replaceChildren(
      ...(filters.length ? [h("div", { class: "chips centred" }, filters)] : []),
      documents.length ? shelf(documents) : empty(facts),
    );
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(failure(error, () => home(main, filters, signal)));
  }
}

/** Which of a server's collections is shown: there may be many, and a service for each. */
export const there = ({ collection }) => (collection ? ` in the collection ${collection}` : "");

function shelf(documents) {
  return h(
    "section",
    { class: "shelf" },
    h("header", {}, h("h2", {}, "Newest documents"), h("a", { href: "/documents" }, "All documents")),
    h(
      "ul",
      {},
      documents.map((document) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: pageAddress(document.id, 1) },
            h(
              "span",
              { class: "cover" },
              h("img", { src: document.thumbnail_url, alt: "", loading: "lazy", decoding: "async" }),
            ),
            h("span", { class: "name" }, nameOf(document)),
            h("span", { class: "pages" }, counted(document.pages, "page")),
          ),
        ),
      ),
    ),
  );
}

function empty(facts) {
  const add = h("a", { class: "button main", href: "/documents" }, "Add documents");
  return notice({
    picture: "page",
    title: "This index has no documents yet",
    lines: [
      facts.read_only
        ? "Whoever runs it can add some with: vrag ingest FOLDER"
        : "Drop PDFs anywhere on this page, or choose them.",
    ],
    actions: facts.read_only ? [] : [add],
  });
}
