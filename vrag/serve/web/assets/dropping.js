// Files may be dropped on every view; what happens with them is loaded when the first one comes.

import { h } from "./dom.js";
import { indexFacts } from "./index_facts.js";

const hasFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

export function startDropping() {
  const veil = h("div", { class: "veil", hidden: true }, h("p", {}, "Drop files to add them to the index"));
  document.body.append(veil);
  addEventListener("dragover", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = (await indexFacts().catch(() => ({ read_only: true }))).read_only;
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && (veil.hidden = true));
  addEventListener("drop", async (event) => {
    veil.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files]; // these two are gone as soon as this listener waits
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
    const [{ unfold }, { add }] = await Promise.all([import("./unfold.js"), import("./uploads.js")]);
    add(await unfold(entries, files));
  });
}
