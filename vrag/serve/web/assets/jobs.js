// What the service is at: watched here for every view, and told to them as events.

import { get, send } from "./api.js";
import { forgetFacts } from "./index_facts.js";
import { forgetAnswers } from "./searching.js";
import { toast } from "./toasts.js";

const BUSY_MS = 1500; // between looks while something goes on, or where others change the same documents
const IDLE_MS = 15000; // else: somebody may have begun something in a shell
const events = new EventTarget();
let known = new Map(); // id to the job
let contents = null; // of the index, as far as others may change them; null before the first look
let looks = 0; // begun so far: an answer that is older than another question tells of the past
let timer = 0;
let isStreaming = false;
let badge = null;

export const hasEnded = (job) => ["done", "failed", "cancelled"].includes(job.state);

export function startJobs(element) {
  badge = element;
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  look();
}

/** Calls back when documents may have changed, or with "jobs" when jobs have; returns what ends it. */
export function onChange(what, listener) {
  const heard = (event) => listener(event.detail);
  events.addEventListener(what, heard);
  return () => events.removeEventListener(what, heard);
}

/** Look at once, e.g. after something was begun. */
export async function look() {
  clearTimeout(timer);
  const turn = (looks += 1);
  let busy = 0;
  try {
    const { jobs, contents: now } = await get("/v1/jobs");
    if (turn !== looks) return;
    busy = jobs.filter((job) => !hasEnded(job)).length;
    const isFurther = (job) =>
      known.has(job.id) && (hasEnded(job) !== hasEnded(known.get(job.id)) || job.done > known.get(job.id).done);
    const changed = jobs.some(isFurther) || (contents !== null && contents !== now);
    contents = now;
    known = new Map(jobs.map((job) => [job.id, job]));
    events.dispatchEvent(new CustomEvent("jobs", { detail: jobs }));
    if (changed) documentsChanged();
  } catch {
    // The view that is shown says that the service is away; here it is asked again later.
  }
  if (turn !== looks) return;
  badge.hidden = busy === 0;
  badge.textContent = busy || "";
  badge.setAttribute("aria-label", `${busy} running`);
  if (!document.hidden) timer = setTimeout(look, busy || contents ? BUSY_MS : IDLE_MS);
}

/** Follows one job to its end: `tell(job)` at every step, `lose()` where nobody knows it any more. */
export function follow(id, tell, lose) {
  if (isStreaming) poll(id, tell, lose);
  else stream(id, tell, lose);
  look();
}

/** Told of every step as it happens. One job at a time: a browser has but six connections to a service. */
function stream(id, tell, lose) {
  const source = new EventSource(`/v1/jobs/${id}/events`);
  const end = () => {
    source.close();
    isStreaming = false;
  };
  isStreaming = true;
  source.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    tell(job);
    if (!hasEnded(job)) return;
    end();
    documentsChanged();
    look();
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return;
    end();
    poll(id, tell, lose); // it may be unknown, or the service may have no place for one more stream
    look();
  });
}

/** Told whenever all jobs are looked at. */
function poll(id, tell, lose) {
  const leave = onChange("jobs", (jobs) => {
    const job = jobs.find((one) => one.id === id);
    if (!job || hasEnded(job)) leave();
    if (!job) return lose();
    tell(job);
    if (hasEnded(job)) documentsChanged();
  });
}

export async function stop(id) {
  try {
    await send("POST", `/v1/jobs/${id}/cancel`);
    toast("It stops after the page it is at; what is done stays.");
  } catch (error) {
    toast(error.message, { bad: true });
  }
  look();
}

/** Answers and counts that were kept are of yesterday. */
export function documentsChanged() {
  forgetAnswers();
  forgetFacts();
  events.dispatchEvent(new CustomEvent("documents"));
}
