// Files that people add: dropped anywhere or chosen, sent with progress, then followed until their pages can be found.

import { refusal } from "./api.js";
import { h } from "./dom.js";
import { bytes, counted, percent } from "./format.js";
import { indexFacts } from "./index_facts.js";
import { failures, jobLine, progress } from "./job_text.js";
import { follow, hasEnded, stop } from "./jobs.js";
import { go } from "./router.js";
import { sendable } from "./sendable.js";
import { button, iconButton } from "./states.js";
import { toast } from "./toasts.js";

const MOST_BYTES = 2 ** 31; // of an upload, for a service that does not say
let sending = Promise.resolve(); // what is being sent now
/** Uploads of this visit; the view of documents shows it. */
export const uploadList = h("ul", { class: "uploads", "aria-label": "Uploads" });

/** A button that lets people choose files. */
export function uploadButton(...content) {
  const input = h("input", {
    type: "file",
    multiple: true,
    accept:
      ".pdf,.png,.jpg,.jpeg,.tif,.tiff,.webp,.cbz," +
      ".docx,.pptx,.xlsx,.odt,.odp,.ods,.rtf,.html,.htm,.md,.txt,.eml,.epub",
    class: "unseen",
    tabindex: "-1",
    "aria-label": "Files to add",
  });
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  return [h("button", { type: "button", class: "main", on: { click: () => input.click() } }, content), input];
}

/** Sends files, in as many uploads as they need, one after the other; or says why not. */
export async function add(files) {
  if (!files.length) return;
  try {
    const { read_only: isReadOnly, uploads } = await indexFacts();
    if (isReadOnly) return toast("This index cannot be changed from here.", { bad: true });
    const { good, bad } = await sendable(files, uploads);
    go("/documents");
    if (bad.length) uploadList.prepend(unsent(bad));
    for (const part of parts(good, uploads)) {
      const upload = new Upload(part);
      uploadList.prepend(upload.element);
      sending = sending.then(() => upload.send());
    }
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

/** Files by upload: each has no more of them, and no more bytes, than the service takes at once. */
function parts(files, { max_files: mostFiles, max_total_bytes: mostBytes = MOST_BYTES }) {
  const all = [];
  let size = 0;
  for (const file of files) {
    const last = all.at(-1);
    const fits = last && last.length < mostFiles && size + file.size <= mostBytes;
    if (fits) last.push(file);
    else all.push([file]);
    size = fits ? size + file.size : file.size;
  }
  return all;
}

function unsent(bad) {
  const element = h(
    "li",
    { class: "upload", data: { state: "failed" } },
    h("div", { class: "upload-text" }, h("h2", {}, `${counted(bad.length, "file")} not sent`), failures(bad)),
    h(
      "div",
      { class: "actions" },
      iconButton("close", "Take away", () => element.remove()),
    ),
  );
  return element;
}

class Upload {
  constructor(files) {
    this.files = files;
    this.line = h("p", { role: "status" });
    this.bar = h("div", {});
    this.actions = h("div", { class: "actions" });
    const name = files.length === 1 ? files[0].name : counted(files.length, "file");
    this.element = h(
      "li",
      { class: "upload" },
      h("div", { class: "upload-text" }, h("h2", {}, name), this.line, this.bar),
      this.actions,
    );
    this.tell("Waits to be sent", 0, 1);
  }

  /** Ends as soon as the files have arrived, or will not. */
  send() {
    const form = new FormData();
    for (const file of this.files) form.append("files", file, file.name);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) =>
      this.tell(`Sending, ${percent(loaded / total)} of ${bytes(total)}`, loaded, total),
    );
    request.addEventListener("load", () =>
      request.status === 202
        ? this.followJob(JSON.parse(request.responseText).job)
        : this.fail(refusal(request.status, request.responseText)),
    );
    request.addEventListener("error", () =>
      this.fail({ message: "The service cannot be reached.", hint: "Check that vrag serve is still running." }),
    );
    request.addEventListener("abort", () => this.element.remove());
    request.open("POST", "/v1/documents");
    request.setRequestHeader("Accept", "application/json");
    request.send(form);
    this.tell("Sending", 0, 1);
    this.actions.replaceChildren(button("Stop", () => request.abort()));
    return new Promise((done) => request.addEventListener("loadend", done));
  }

  followJob(id) {
    this.actions.replaceChildren(button("Stop", () => stop(id)));
    this.tell("Arrived, waits to be read", 0, null);
    const lose = () =>
      this.fail({
        message: "The service does not know of this upload any more.",
        hint: "Look for it among the documents.",
      });
    follow(id, (job) => (hasEnded(job) ? this.end(job) : this.tell(jobLine(job), job.done, job.total)), lose);
  }

  tell(text, done, total) {
    this.line.textContent = text;
    const bar = this.bar.firstChild;
    if (bar && total && bar.max === total) bar.value = done;
    else this.bar.replaceChildren(progress(done, total, text));
  }

  end(job) {
    const failed = job.result?.failed ?? [];
    this.element.dataset.state = job.state === "done" && failed.length === 0 ? "done" : "failed";
    this.line.textContent = jobLine(job) || "Stopped; what was done stays.";
    this.bar.replaceChildren(...(failed.length ? [failures(failed)] : []));
    this.closable();
  }

  fail({ message, hint }) {
    this.element.dataset.state = "failed";
    this.line.textContent = [message, hint].filter(Boolean).join(" ");
    this.bar.replaceChildren();
    this.closable(button("Try again", () => this.again()));
  }

  again() {
    delete this.element.dataset.state;
    this.send();
  }

  closable(...more) {
    this.actions.replaceChildren(
      ...more,
      iconButton("close", "Take away", () => this.element.remove()),
    );
  }
}
