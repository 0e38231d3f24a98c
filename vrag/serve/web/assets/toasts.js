// Short messages at the edge of the window; a screen reader says them.

import { h } from "./dom.js";

const STAYS_MS = 4000;

/**
 * Shows a message and returns its element. It stays for `stays` ms, and as long as the pointer or the keyboard is on
 * it. `action` is {label, run}; `gone(hadFocus)` is called when it goes without that: by itself, or with Escape.
 */
export function toast(text, { action = null, gone = null, stays = STAYS_MS, bad = false } = {}) {
  let timer;
  const act = () => {
    clearTimeout(timer);
    element.remove();
    action.run();
  };
  const end = () => {
    clearTimeout(timer);
    const hadFocus = element.contains(document.activeElement);
    element.remove();
    gone?.(hadFocus);
  };
  const wait = () => {
    clearTimeout(timer);
    if (!element.matches(":hover, :has(:focus-visible)")) timer = setTimeout(end, stays);
  };
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    end();
  };
  const element = h(
    "div",
    {
      class: bad ? "toast bad" : "toast",
      on: { mouseenter: wait, mouseleave: wait, focusin: wait, focusout: wait, keydown: leave },
    },
    h("span", {}, text),
    action && h("button", { type: "button", on: { click: act } }, action.label),
  );
  document.getElementById("toasts").append(element);
  wait();
  return element;
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
