// What is known of a document, edited in place: a key and a value a line.

import { send } from "./api.js";
import { h } from "./dom.js";
import { documentsChanged, follow } from "./jobs.js";
import { button, iconButton } from "./states.js";
import { toast } from "./toasts.js";

const LONG_MS = 8000; // for a sentence that has to be read
let count = 0;

/** A form; `done(document)` gets the document as it is now, or null when nothing was changed. */
export function editor(document, facts, done) {
  const list = `keys-${(count += 1)}`;
  const rows = h(
    "div",
    { class: "rows" },
    Object.entries(document.metadata).map(([key, value]) => row(key, asText(value), list)),
  );
  const wrong = h("p", { class: "failed", role: "alert" });
  const form = h(
    "form",
    { class: "editor", "aria-label": `What is known of ${document.doc}` },
    h(
      "datalist",
      { id: list },
      Object.keys(facts.kinds).map((key) => h("option", { value: key })),
    ),
    rows,
    wrong,
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", class: "main" }, "Save"),
      button("Cancel", () => done(null)),
      button(
        "Add a line",
        () => {
          rows.append(row("", "", list));
          rows.lastChild.querySelector("input").focus();
        },
        "quiet-text",
      ),
    ),
  );
  if (!rows.childElementCount) rows.append(row("", "", list));
  form.addEventListener("keydown", (event) => event.key === "Escape" && done(null));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const metadata = changes(document.metadata, read(rows), facts.kinds);
      const changed = await send("PATCH", `/v1/documents/${document.id}`, { metadata });
      done(changed.job ? null : changed);
      if (changed.job) later(changed.job);
      else {
        sayWhatStays(metadata, changed.metadata);
        documentsChanged();
      }
    } catch (error) {
      wrong.textContent = [error.message, error.hint].filter(Boolean).join(" ");
    }
  });
  queueMicrotask(() => rows.querySelector("input:not([readonly])")?.focus());
  return form;
}

/** What the file itself says can be said otherwise, but not be taken away. */
function sayWhatStays(asked, known) {
  const keys = Object.keys(asked).filter((key) => asked[key] === null && key in known);
  if (keys.length)
    toast(`What the file itself says stays: ${keys.join(", ")}. Another value can be given instead.`, {
      stays: LONG_MS,
    });
}

/** The document is being read: what was typed holds as soon as that is done. */
function later(job) {
  toast("It is changed as soon as the document is read.");
  follow(job, ({ error }) => error && toast(error.error, { bad: true }), documentsChanged);
}

function row(key, value, list) {
  const line = h(
    "div",
    { class: "row" },
    h("input", { value: key, readonly: key !== "", list, placeholder: "key", "aria-label": "Key", class: "key" }),
    h("input", { value, placeholder: "value", "aria-label": key ? `Value of ${key}` : "Value", class: "value" }),
    iconButton("close", key ? `Without ${key}` : "Without this line", () => line.remove()),
  );
  return line;
}

function read(rows) {
  const lines = [...rows.children].map((line) =>
    [...line.querySelectorAll("input")].map((input) => input.value.trim()),
  );
  return Object.fromEntries(lines.filter(([key, value]) => key && value));
}

/** What the service shall change: new and other values, and null for keys that are gone. */
function changes(before, after, kinds) {
  const gone = Object.keys(before)
    .filter((key) => !(key in after))
    .map((key) => [key, null]);
  const set = Object.entries(after)
    .filter(([key, text]) => asText(before[key] ?? "") !== text)
    .map(([key, text]) => [key, typed(text, kinds[key])]);
  return Object.fromEntries([...gone, ...set]);
}

/** Text as the type that the index knows for the key; a key that is new gets the type its text looks like. */
function typed(text, kind) {
  if (kind === "list")
    return text
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean);
  if (kind === "number" || (kind === undefined && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)))
    return Number.isFinite(Number(text)) ? Number(text) : text;
  if ((kind === "bool" || kind === undefined) && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
}

const asText = (value) => (Array.isArray(value) ? value.join(", ") : String(value));
