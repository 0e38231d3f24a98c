// All documents: found by name, sorted, added, edited and deleted; and what could not be read, with the reason.

import { get, query } from "./api.js";
import { h, redraw } from "./dom.js";
import { isLeaving, isSlowToLeave } from "./deleting.js";
import { documentItem } from "./document_item.js";
import { counted, number } from "./format.js";
import { there } from "./home_view.js";
import { icon } from "./icons.js";
import { indexFacts } from "./index_facts.js";
import { failures } from "./job_text.js";
import { onChange } from "./jobs.js";
import { go } from "./router.js";
import { failure, notice, skeleton } from "./states.js";
import { uploadButton, uploadList } from "./uploads.js";

const EACH = 50; // documents on one screen
const PAUSE_MS = 150;
const ORDERS = { doc: "Name", "-added": "Newest", "-pages": "Most pages" };

export function show(main, route) {
  const view = new DocumentsView(main);
  view.update(route);
  return view;
}

class DocumentsView {
  title = "Documents · vrag";

  constructor(main) {
    this.count = h("p", { class: "count", role: "status" });
    this.tools = h("div", { class: "view-tools" });
    this.list = h("div", {}, skeleton(5, "document"));
    this.rest = h("div", {});
    main.replaceChildren(
      h(
        "section",
        { class: "column" },
        h("header", { class: "view-head" }, h("h1", {}, "Documents"), this.count, this.tools),
        uploadList,
        this.list,
        this.rest,
      ),
    );
    this.leave = onChange("documents", () => this.load());
  }

  update(route) {
    const { parameters } = route;
    this.find = parameters.get("find") ?? "";
    this.sort = parameters.get("sort") in ORDERS ? parameters.get("sort") : "doc";
    this.from = Number(parameters.get("from")) || 0;
    this.load();
  }

  async load() {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    try {
      const asks = { limit: EACH, offset: this.from, sort: this.sort, q: this.find };
      const [facts, answer, failed] = await Promise.all([
        indexFacts(),
        get("/v1/documents", asks, signal),
        get("/v1/failures", {}, signal),
      ]);
      if (!signal.aborted) this.draw(facts, answer, failed.failures);
    } catch (error) {
      if (!signal.aborted) this.list.replaceChildren(failure(error, () => this.load()));
    }
  }

  draw(facts, { total, documents }, failed) {
    const editable = !facts.read_only;
    if (!this.tools.childElementCount)
      this.tools.append(
        this.finder(),
        this.orders(),
        ...(editable ? uploadButton(icon("upload"), "Add documents") : []),
      );
    const which = this.find ? " of this name" : `, ${counted(facts.pages, "page")}`;
    this.count.textContent = total ? `${counted(total, "document")}${which}${there(facts)}` : "";
    const items = documents
      .filter(({ id }) => !isLeaving(id) || isSlowToLeave(id))
      .map((document) => documentItem(document, facts, editable));
    if (this.isEditing()) return;
    redraw(this.list, [
      documents.length ? h("ul", { class: "documents" }, items) : h("div", {}, this.nothing(editable)),
      this.steps(total),
    ]);
    const homeless = failed.filter(({ doc_id: id }) => !id);
    this.rest.replaceChildren(
      ...(homeless.length
        ? [h("section", { class: "unread" }, h("h2", {}, icon("alert"), "Could not be read"), failures(homeless))]
        : []),
    );
  }

  /** Whether somebody is typing into a document's metadata, which must not be drawn away. */
  isEditing() {
    return this.list.querySelector(".editor") !== null;
  }

  finder() {
    const input = h("input", {
      type: "text",
      placeholder: "Find by name",
      "aria-label": "Find documents by name",
      value: this.find,
    });
    input.addEventListener("input", () => {
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.change({ find: input.value.trim(), from: null }), PAUSE_MS);
    });
    return input;
  }

  orders() {
    const select = h(
      "select",
      { "aria-label": "Order" },
      Object.entries(ORDERS).map(([value, label]) => h("option", { value, selected: value === this.sort }, label)),
    );
    select.addEventListener("change", () => this.change({ sort: select.value, from: null }));
    return select;
  }

  steps(total) {
    if (total <= EACH) return "";
    const step = (label, from, off) =>
      h("button", { type: "button", disabled: off, on: { click: () => this.change({ from }, false) } }, label);
    return h(
      "p",
      { class: "more" },
      step("Previous", Math.max(0, this.from - EACH) || null, this.from === 0),
      h("span", {}, `${number(this.from + 1)} to ${number(Math.min(total, this.from + EACH))}`),
      step("Next", this.from + EACH, this.from + EACH >= total),
    );
  }

  nothing(editable) {
    if (this.find)
      return notice({
        picture: "search",
        title: "No document has such a name",
        lines: ["Names and titles are looked through; for what stands in documents, use the search box above."],
      });
    const lines = [
      editable
        ? "Drop PDFs or pictures anywhere on this page. Each page can be found as soon as it is read."
        : "Whoever runs it can add some with: vrag ingest FOLDER",
    ];
    return notice({
      picture: "page",
      title: "No documents yet",
      lines,
      actions: editable ? uploadButton("Choose files") : [],
    });
  }

  change(changed, replace = true) {
    const { find, sort, from } = {
      find: this.find,
      sort: this.sort === "doc" ? null : this.sort,
      from: this.from || null,
      ...changed,
    };
    go(`/documents${query({ find, sort, from })}`, { replace });
    if (!replace) scrollTo(0, 0);
  }
}
