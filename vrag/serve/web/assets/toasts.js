// Short messages at the edge of the window; a screen reader says them.

import { h } from "./dom.js";

const STAYS_MS = 4000;

/** Shows a message; `action` is {label, run}. Returns a function that takes it away. */
export function toast(text, { action = null, stays = STAYS_MS, bad = false } = {}) {
  const close = () => element.remove();
  const act = () => {
    close();
    action.run();
  };
  const element = h(
    "div",
    { class: bad ? "toast bad" : "toast" },
    h("span", {}, text),
    action && h("button", { type: "button", on: { click: act } }, action.label),
  );
  document.getElementById("toasts").append(element);
  setTimeout(close, stays);
  return close;
}

/** Puts text on the clipboard and says so. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    toast(said);
  } catch {
    toast("The browser does not let this page write to the clipboard.", { bad: true });
  }
}
