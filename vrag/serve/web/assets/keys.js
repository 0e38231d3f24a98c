// Keys: the view that is shown says which it knows; `?` shows them all.

import { h, isTyping } from "./dom.js";
import { iconButton } from "./states.js";

const EVERYWHERE = [
  ["/", "Go to the search box"],
  ["?", "Show these keys"],
];
const SEARCHING = [
  ["↓ ↑", "Next or previous hit"],
  ["Enter", "Open the hit"],
  ["G", "Group hits by document"],
  ["A", "Ask the same words"],
  ["Esc", "Back to the search box, then clear it"],
];
const ASKING = [
  ["Enter", "Ask what is typed"],
  ["[ ]", "Previous or next quote"],
  ["Esc", "Close the page, then go to the question"],
];
const READING = [
  ["← →", "Previous or next page"],
  ["[ ]", "Previous or next hit"],
  ["+ −", "Larger or smaller"],
  ["0", "Fit to the window"],
  ["H", "Heat on or off"],
  ["M", "Marks on or off"],
  ["O", "Open the PDF at this page"],
  ["L", "Copy the link"],
  ["C", "Copy the page's text"],
  ["S", "More pages like this one"],
  ["Esc", "Back"],
];
const TYPED = [
  ['"two words"', "The page must have this phrase"],
  ["-word", "The page must not have this word"],
];
let known = {};

/** From now on these keys act: name of the key, as `event.key` has it, to what it does. */
export function setKeys(table) {
  known = table;
}

export function startKeys(searchBox, button) {
  button.addEventListener("click", showKeys);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) && !(event.target === searchBox && /^(Arrow(Up|Down)|Escape)$/.test(event.key))) return;
    if (document.querySelector("dialog[open]")) return;
    const act = { "/": () => searchBox.select(), "?": showKeys, ...known }[
      event.key.length === 1 ? event.key.toLowerCase() : event.key
    ];
    if (act && act(event) !== false) event.preventDefault();
  });
}

function showKeys() {
  const dialog = h(
    "dialog",
    { class: "keys", "aria-labelledby": "keys-title" },
    h(
      "header",
      {},
      h("h2", { id: "keys-title" }, "Keys"),
      iconButton("close", "Close", () => dialog.close(), "Esc"),
    ),
    h(
      "div",
      { class: "key-tables" },
      table("Everywhere", EVERYWHERE),
      table("Search", SEARCHING),
      table("Ask", ASKING),
      table("Page", READING),
      table("In a query", TYPED),
    ),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function table(title, rows) {
  const list = rows.map(([keys, does]) => [
    h("dt", {}, title === "In a query" ? h("code", {}, keys) : keys.split(" ").map((key) => h("kbd", {}, key))),
    h("dd", {}, does),
  ]);
  return h("section", {}, h("h3", {}, title), h("dl", {}, list));
}
