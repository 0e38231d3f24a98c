// Deleting with a way back: the document goes from the list at once, and from the index a few seconds later.

import { send } from "./api.js";
import { documentsChanged, follow } from "./jobs.js";
import { toast } from "./toasts.js";

const UNDO_MS = 6000;
const leaving = new Map(); // id to what sends it off now

export const isLeaving = (id) => leaving.has(id);

export function deleteSoon(document, item) {
  const undo = () => {
    clearTimeout(timer);
    leaving.delete(document.id);
    bring(item);
    item.querySelector(".delete")?.focus();
  };
  const commit = () => {
    clearTimeout(timer);
    leaving.delete(document.id);
    return remove(document, item);
  };
  const timer = setTimeout(commit, UNDO_MS);
  leaving.set(document.id, commit);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.hidden = true;
  next?.querySelector(".delete")?.focus();
  toast(`${document.doc} is deleted${document.uploaded ? "" : "; its file stays where it is"}.`, {
    action: { label: "Undo", run: undo },
    stays: UNDO_MS,
  });
}

async function remove(document, item) {
  try {
    const { job } = await send("DELETE", `/v1/documents/${document.id}`, undefined, { keepalive: true });
    const failed = (status) =>
      status.state === "failed" && bring(item, status.error?.error ?? "It could not be deleted.");
    follow(job, failed, documentsChanged);
    item.remove();
  } catch (error) {
    bring(item, [error.message, error.hint].filter(Boolean).join(" "));
  }
}

/** The document into the list again, which may have been drawn anew; `why` it could not be deleted. */
function bring(item, why = "") {
  item.hidden = false;
  if (!item.isConnected) documentsChanged();
  if (why) toast(why, { bad: true, stays: UNDO_MS });
}

// Whoever closes the page has decided.
addEventListener("pagehide", () => [...leaving.values()].forEach((commit) => commit()));
