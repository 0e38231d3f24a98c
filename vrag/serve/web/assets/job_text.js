// Jobs in words.

import { h } from "./dom.js";
import { counted, number } from "./format.js";

const KINDS = {
  ingest: "Add",
  remove: "Delete",
  metadata: "Edit",
  verify: "Check the index",
  compact: "Compact the index",
  repool: "Pool again",
};
const STATES = { queued: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Stopped" };
const NAMED = 3;

export function jobTitle({ kind, about }) {
  const names =
    about.slice(0, NAMED).join(", ") + (about.length > NAMED ? ` and ${number(about.length - NAMED)} more` : "");
  return [KINDS[kind] ?? kind, names].filter(Boolean).join(" ");
}

export const stateText = ({ state }) => STATES[state] ?? state;

/** How far it is, or what came of it, in a sentence. */
export function jobLine(job) {
  if (job.error) return [job.error.error, job.error.hint].filter(Boolean).join(" ");
  if (job.state === "running") return job.doing || "Starting";
  if (job.state === "queued") return "Waits for the job before it";
  return job.result ? resultText(job) : "";
}

function resultText({ kind, result }) {
  if (kind === "ingest") {
    const failed = result.failed?.length ? `, ${number(result.failed.length)} could not be read` : "";
    const unchanged = result.unchanged ? `, ${number(result.unchanged)} there already` : "";
    return `${counted(result.added ?? 0, "page")} added${unchanged}${failed}`;
  }
  if (kind === "verify")
    return result.problems?.length
      ? `${counted(result.problems.length, "problem")} found`
      : "Everything is as it should be";
  return "";
}

/** A bar; without a total it only shows that something goes on. */
export function progress(done, total, label) {
  return h("progress", total ? { value: done, max: total, "aria-label": label } : { "aria-label": label });
}

/** Files and pages that could not be read, each with its reason and what to do; the first few at once. */
export function failures(list) {
  const items = list.map(({ path, page, reason, hint }) =>
    h(
      "li",
      {},
      h("strong", {}, [path.split(/[\\/]/).pop(), page && `page ${page}`].filter(Boolean).join(", ")),
      h("span", {}, reason),
      hint && h("span", { class: "hint" }, hint),
    ),
  );
  const more = items.slice(NAMED);
  return h(
    "div",
    { class: "failures" },
    h("ul", {}, items.slice(0, NAMED)),
    more.length > 0 && h("details", {}, h("summary", {}, `${number(more.length)} more`), h("ul", {}, more)),
  );
}
