// The page that a quote is of, with the quote framed on it: beside the answer, or over it where there is no room.

import { get } from "./api.js";
import { h } from "./dom.js";
import { nameOf } from "./format.js";
import { pageAddress } from "./hit.js";
import { icon } from "./icons.js";
import { boxText, frames } from "./quote_boxes.js";
import { Stage } from "./stage.js";
import { failure, iconButton } from "./states.js";

export class QuotePanel {
  /** `close()` is called when somebody wants it to go. */
  constructor(close) {
    this.stage = new Stage();
    this.name = h("h2", { tabindex: "-1" });
    this.more = h("a", { class: "button quiet", "aria-label": "Open the page", title: "Open the page" }, icon("open"));
    const tools = [
      iconButton("minus", "Smaller", () => this.stage.zoom(0.8), "−"),
      iconButton("plus", "Larger", () => this.stage.zoom(1.25), "+"),
      this.more,
      iconButton("close", "Close the page", close, "Esc"),
    ];
    this.body = h("div", { class: "quote-page" });
    this.element = h(
      "aside",
      { class: "quote-panel", "aria-label": "Page of the quote", hidden: true },
      h("header", {}, this.name, h("div", { class: "tools" }, tools)),
      this.body,
    );
  }

  /** Shows a quote's page; `parameters` are those of the page's own address. */
  async show(quote, parameters) {
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    this.element.hidden = false;
    this.name.replaceChildren(h("bdi", {}, quote.doc), h("span", { class: "page-number" }, `Page ${quote.page}`));
    this.more.href = pageAddress(quote.doc_id, quote.page, { ...parameters, box: quote.boxes.map(boxText) });
    this.body.replaceChildren(this.stage.element);
    this.stage.wait();
    try {
      const page = await get(quote.page_url, {}, signal);
      if (signal.aborted) return;
      this.stage.show(page);
      this.stage.mark(frames(quote.boxes), quote.boxes);
      this.name.firstChild.textContent = nameOf(page);
    } catch (error) {
      if (!signal.aborted) this.body.replaceChildren(failure(error, () => this.show(quote, parameters)));
    }
  }

  hide() {
    this.asking?.abort();
    this.element.hidden = true;
  }
}
