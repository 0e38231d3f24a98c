// Everything the service is doing or has done since it started, and a way to stop it.

import { get, send } from "./api.js";
import { h } from "./dom.js";
import { minute } from "./format.js";
import { failures, jobLine, jobTitle, progress, stateText } from "./job_text.js";
import { hasEnded, look, onChange } from "./jobs.js";
import { button, failure, notice, skeleton } from "./states.js";
import { toast } from "./toasts.js";

export function show(main) {
  const list = h("div", {}, skeleton(3, "job"));
  main.replaceChildren(h("section", { class: "column" }, h("header", { class: "view-head" }, h("h1", {}, "Jobs")), list));
  const draw = (jobs) => list.replaceChildren(jobs.length ? h("ul", { class: "jobs" }, jobs.map(jobItem)) : nothing());
  const load = () => get("/v1/jobs").then(({ jobs }) => draw(jobs)).catch((error) => list.replaceChildren(failure(error, load)));
  load();
  return { title: "Jobs · vrag", leave: onChange("jobs", draw) };
}

function nothing() {
  return notice({ picture: "clock", title: "Nothing has run yet", lines: ["Files that are added, deleted or checked appear here while it happens."] });
}

function jobItem(job) {
  const isRunning = !hasEnded(job);
  return h("li", { class: "job", data: { state: job.state } },
    h("span", { class: "state" }, stateText(job)),
    h("div", { class: "job-text" },
      h("h2", {}, jobTitle(job)), h("p", {}, jobLine(job)),
      isRunning && progress(job.done, job.total, jobTitle(job)),
      job.result?.failed?.length > 0 && failures(job.result.failed)),
    h("time", { datetime: job.created }, minute(job.created)),
    isRunning && button("Stop", (event) => stop(job, event.currentTarget)));
}

async function stop(job, pressed) {
  pressed.disabled = true;
  try {
    await send("POST", `/v1/jobs/${job.id}/cancel`);
    toast("It stops after the page it is at; what is done stays.");
  } catch (error) {
    toast(error.message, { bad: true });
  }
  look();
}
