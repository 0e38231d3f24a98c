// Everything the service is doing or has done since it started, and a way to stop it.

import { get } from "./api.js";
import { h, redraw } from "./dom.js";
import { minute } from "./format.js";
import { failures, jobLine, jobTitle, progress, stateText } from "./job_text.js";
import { hasEnded, onChange, stop } from "./jobs.js";
import { button, failure, notice, skeleton } from "./states.js";

export function show(main) {
  const list = h("div", {}, skeleton(3, "job"));
  main.replaceChildren(
    h("section", { class: "column" }, h("header", { class: "view-head" }, h("h1", {}, "Jobs")), list),
  );
  const draw = (jobs) => redraw(list, [jobs.length ? h("ul", { class: "jobs" }, jobs.map(jobItem)) : nothing()]);
  const load = () =>
    get("/v1/jobs")
      .then(({ jobs }) => draw(jobs))
      .catch((error) => list.replaceChildren(failure(error, load)));
  load();
  return { title: "Jobs · vrag", leave: onChange("jobs", draw) };
}

function nothing() {
  return notice({
    picture: "clock",
    title: "Nothing has run yet",
    lines: ["Files that are added, deleted or checked appear here while it happens."],
  });
}

function jobItem(job) {
  const isRunning = !hasEnded(job);
  return h(
    "li",
    { class: "job", data: { state: job.state } },
    h("span", { class: "state" }, stateText(job)),
    h(
      "div",
      { class: "job-text" },
      h("h2", {}, jobTitle(job)),
      h("p", {}, jobLine(job)),
      isRunning && progress(job.done, job.total, jobTitle(job)),
      job.result?.failed?.length > 0 && failures(job.result.failed),
    ),
    h("time", { datetime: job.created }, minute(job.created)),
    isRunning && button("Stop", () => stop(job.id)),
  );
}
