// Evaluation reports of this index: a list, and one opened inside, where it can do nothing to the rest of the page.

import { get, query } from "./api.js";
import { h } from "./dom.js";
import { day } from "./format.js";
import { icon } from "./icons.js";
import { failure, notice, skeleton } from "./states.js";

export function show(main, route) {
  const view = new ReportsView(main);
  view.update(route);
  return view;
}

class ReportsView {
  title = "Reports · vrag";

  constructor(main) {
    this.main = main;
  }

  async update(route) {
    const name = route.parameters.get("open");
    const list = h("div", {}, skeleton(3, "report"));
    this.main.replaceChildren(
      h(
        "section",
        { class: name ? "column wide" : "column" },
        h("header", { class: "view-head" }, h("h1", {}, "Reports")),
        list,
      ),
    );
    try {
      const { reports } = await get("/v1/reports");
      const chosen = reports.find((report) => report.name === name);
      list.replaceWith(chosen ? opened(chosen) : reports.length ? all(reports) : nothing());
    } catch (error) {
      list.replaceChildren(failure(error, () => this.update(route)));
    }
    this.keys = name ? { Escape: () => history.back() } : {};
  }
}

function all(reports) {
  return h(
    "ul",
    { class: "reports" },
    reports.map(({ name, title, created }) =>
      h(
        "li",
        { class: "report" },
        icon("report"),
        h("a", { href: `/reports${query({ open: name })}` }, title || name),
        h("time", { datetime: created }, day(created)),
      ),
    ),
  );
}

function opened({ title, name, created, url }) {
  return h(
    "article",
    { class: "report-open" },
    h(
      "header",
      {},
      h("a", { href: "/reports" }, icon("back"), "All reports"),
      h("h2", {}, title || name),
      h("time", { datetime: created }, day(created)),
      h("a", { href: url, target: "_blank", rel: "noopener" }, icon("open"), "Open alone"),
    ),
    h("iframe", { src: url, sandbox: "allow-scripts", title: title || name }),
  );
}

function nothing() {
  return notice({
    picture: "report",
    title: "No reports yet",
    lines: [
      "Measure how well this index answers your own questions: vrag eval ./my-benchmark. Its report appears here.",
    ],
  });
}
