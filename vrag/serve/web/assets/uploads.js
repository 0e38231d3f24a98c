// Files that people add: dropped anywhere or chosen, sent with progress, then followed until their pages can be found.

import { refusal } from "./api.js";
import { h } from "./dom.js";
import { bytes, counted, percent } from "./format.js";
import { indexFacts } from "./index_facts.js";
import { failures, jobLine, progress } from "./job_text.js";
import { follow, hasEnded } from "./jobs.js";
import { go } from "./router.js";
import { button, iconButton } from "./states.js";
import { toast } from "./toasts.js";

/** Uploads of this visit; the view of documents shows it. */
export const uploadList = h("ul", { class: "uploads", "aria-label": "Uploads" });

/** A button that lets people choose files. */
export function uploadButton(...content) {
  const input = h("input", { type: "file", multiple: true, accept: ".pdf,.png,.jpg,.jpeg,.tif,.tiff,.webp", class: "unseen", tabindex: "-1", "aria-label": "Files to add" });
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  return [h("button", { type: "button", class: "main", on: { click: () => input.click() } }, content), input];
}

/** Sends files, or says why not. */
export async function add(files) {
  if (!files.length) return;
  try {
    const { read_only: isReadOnly, uploads } = await indexFacts();
    const wrong = isReadOnly ? "This index cannot be changed from here." : tooMuch(files, uploads);
    if (wrong) return toast(wrong, { bad: true, stays: 8000 });
    go("/documents");
    uploadList.prepend(new Upload(files).element);
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

/** Why so many or such large files are not sent; they would be refused after minutes. */
function tooMuch(files, limits) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (limits?.max_files && files.length > limits.max_files) return `${counted(files.length, "file")} at once are too many: ${limits.max_files} is the most.`;
  if (limits?.max_bytes && size > limits.max_bytes) return `${bytes(size)} at once are too much: ${bytes(limits.max_bytes)} is the most.`;
  return "";
}

class Upload {
  constructor(files) {
    this.files = files;
    this.line = h("p", { role: "status" });
    this.bar = h("div", {});
    this.actions = h("div", { class: "actions" });
    const name = files.length === 1 ? files[0].name : counted(files.length, "file");
    this.element = h("li", { class: "upload" }, h("div", { class: "upload-text" }, h("h2", {}, name), this.line, this.bar), this.actions);
    this.send();
  }

  send() {
    const form = new FormData();
    for (const file of this.files) form.append("files", file, file.name);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", ({ loaded, total }) => this.tell(`Sending, ${percent(loaded / total)} of ${bytes(total)}`, loaded, total));
    request.addEventListener("load", () => request.status === 202 ? this.followJob(JSON.parse(request.responseText).job) : this.fail(refusal(request.status, request.responseText)));
    request.addEventListener("error", () => this.fail({ message: "The service cannot be reached.", hint: "Check that vrag serve is still running." }));
    request.addEventListener("abort", () => this.element.remove());
    request.open("POST", "/v1/documents");
    request.setRequestHeader("Accept", "application/json");
    request.send(form);
    this.tell("Sending", 0, 1);
    this.actions.replaceChildren(button("Stop", () => request.abort()));
  }

  followJob(id) {
    this.actions.replaceChildren();
    this.tell("Arrived, waits to be read", 0, null);
    const lose = () => this.fail({ message: "The service does not know of this upload any more.", hint: "Look for it among the documents." });
    follow(id, (job) => hasEnded(job) ? this.end(job) : this.tell(jobLine(job), job.done, job.total), lose);
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
    this.actions.replaceChildren(...more, iconButton("close", "Take away", () => this.element.remove()));
  }
}
