// Deleting with a way back: the document goes from the list at once, and from the index a few seconds later.

import { send } from "./api.js";
import { documentsChanged, follow, hasEnded } from "./jobs.js";
import { toast } from "./toasts.js";

const UNDO_MS = 6000;
const SHORT_MS = 1500; // a removal that takes longer, behind an ingest for example, is shown
const leaving = new Map(); // id to {commit, isSlow}

export const isLeaving = (id) => leaving.has(id);

/** Whether the service is at removing it, and that for some time. */
export const isSlowToLeave = (id) => Boolean(leaving.get(id)?.isSlow);

export function deleteSoon(document, item) {
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const undo = () => {
    leaving.delete(document.id);
    bring(item);
    item.querySelector(".delete")?.focus();
  };
  const commit = () => {
    leaving.set(document.id, { isSlow: false });
    return remove(document, item);
  };
  leaving.set(document.id, { commit, isSlow: false });
  item.hidden = true;
  toast(`${document.doc} is deleted${document.uploaded ? "" : "; its file stays where it is"}.`, {
    action: { label: "Undo", run: undo },
    stays: UNDO_MS,
    gone: (hadFocus) => {
      if (hadFocus) next?.querySelector(".delete")?.focus({ preventScroll: true });
      if (leaving.get(document.id)?.commit) commit();
    },
  })
    .querySelector("button")
    .focus({ preventScroll: true });
}

async function remove(document, item) {
  const slow = setTimeout(() => {
    leaving.set(document.id, { isSlow: true });
    documentsChanged();
  }, SHORT_MS);
  const end = (why = "") => {
    clearTimeout(slow);
    leaving.delete(document.id);
    if (why) bring(item, why);
    documentsChanged();
  };
  try {
    const { job } = await send("DELETE", `/v1/documents/${document.id}`, undefined, { keepalive: true });
    const tell = (status) => hasEnded(status) && end(unlessDone(status));
    follow(job, tell, () => end());
  } catch (error) {
    end([error.message, error.hint].filter(Boolean).join(" "));
  }
}

const unlessDone = ({ state, error }) => (state === "done" ? "" : (error?.error ?? "It was not deleted."));

/** The document into the list again, which may have been drawn anew; `why` it could not be deleted. */
function bring(item, why = "") {
  item.hidden = false;
  if (!item.isConnected) documentsChanged();
  if (why) toast(why, { bad: true, stays: UNDO_MS });
}

// Whoever closes the page has decided.
addEventListener("pagehide", () => [...leaving.values()].forEach(({ commit }) => commit?.()));
