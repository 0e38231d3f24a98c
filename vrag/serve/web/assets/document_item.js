// One document of the list: its first page, its name, what is known of it, and what one can do with it.

import { query } from "./api.js";
import { deleteSoon, isSlowToLeave } from "./deleting.js";
import { h } from "./dom.js";
import { counted, day, nameOf, valueText } from "./format.js";
import { pageAddress } from "./hit.js";
import { icon } from "./icons.js";
import { failures } from "./job_text.js";
import { editor } from "./metadata_editor.js";
import { iconButton } from "./states.js";

const STATES = {
  partial: "Not all pages are read yet",
  arriving: "A new version is arriving",
  leaving: "Is being removed",
};

export function documentItem(document, facts, editable) {
  const isLeaving = isSlowToLeave(document.id);
  const state = isLeaving ? "leaving" : document.state;
  const item = h("li", { class: "document", data: { doc: document.doc, id: document.id, state } });
  const draw = () => item.replaceChildren(...parts(item, document, editable && !isLeaving, edit));
  const edit = () =>
    item.append(
      editor(document, facts, (changed) => {
        if (changed) Object.assign(document, changed);
        draw();
        item.querySelector(".edit")?.focus();
      }),
    );
  draw();
  return item;
}

function parts(item, document, editable, edit) {
  const { doc } = document;
  const { state } = item.dataset;
  const name = nameOf(document);
  const known = Object.entries(document.metadata).filter(([key]) => key !== "title");
  return [
    h(
      "a",
      { class: "cover", href: pageAddress(document.id, 1), tabindex: "-1", "aria-hidden": "true" },
      h("img", { src: document.thumbnail_url, alt: "", loading: "lazy", decoding: "async" }),
    ),
    h(
      "div",
      { class: "document-text" },
      h("h2", {}, h("a", { href: pageAddress(document.id, 1) }, name)),
      h(
        "p",
        { class: "file" },
        name !== doc && h("span", {}, doc),
        h("span", {}, counted(document.pages, "page")),
        document.added && h("span", {}, `added ${day(document.added)}`),
        STATES[state] && h("span", { class: "badge" }, STATES[state]),
      ),
      known.length > 0 &&
        h(
          "dl",
          { class: "known" },
          known.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, valueText(value)))),
        ),
      document.failures.length > 0 && failures(document.failures),
    ),
    h(
      "div",
      { class: "document-tools" },
      h(
        "a",
        {
          class: "button quiet",
          href: `/${query({ "f.doc": doc })}`,
          "aria-label": `Search in ${doc}`,
          title: `Search in ${doc}`,
        },
        icon("search"),
      ),
      named(
        iconButton("open", `Open ${doc} as a file`, () => open(document.file_url, "_blank", "noopener")),
        "open-file",
      ),
      editable &&
        named(
          iconButton("edit", `Edit what is known of ${doc}`, (event) => {
            event.currentTarget.disabled = true;
            edit();
          }),
          "edit",
        ),
      editable &&
        named(
          iconButton("trash", `Delete ${doc}`, () => deleteSoon(document, item)),
          "delete",
        ),
    ),
  ].filter(Boolean);
}

function named(button, name) {
  button.classList.add(name);
  return button;
}
