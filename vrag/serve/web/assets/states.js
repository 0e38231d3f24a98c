// What a view shows when it has nothing else to show: loading, nothing there, or an error.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** A picture, a heading, sentences, and what one can do now. */
export function notice({ picture, title, lines = [], actions = [], bad = false }) {
  return h(
    "section",
    { class: bad ? "notice bad" : "notice", role: bad ? "alert" : null },
    h("span", { class: "notice-picture" }, icon(picture)),
    h("h2", {}, title),
    lines.filter(Boolean).map((line) => h("p", {}, line)),
    actions.length > 0 && h("p", { class: "actions" }, actions),
  );
}

/** An error with its hint and a way to try again. */
export function failure(error, retry) {
  return notice({
    picture: "alert",
    title: error.message,
    lines: [error.hint],
    bad: true,
    actions: retry ? [button("Try again", retry, "main")] : [],
  });
}

export function button(label, click, kind = "") {
  return h("button", { type: "button", class: kind, on: { click } }, label);
}

/** A button with an icon alone; `key` is the key that does the same. */
export function iconButton(name, label, click, key = "") {
  return h(
    "button",
    {
      type: "button",
      class: "quiet",
      "aria-label": label,
      title: key ? `${label} (${key})` : label,
      on: { click },
    },
    icon(name),
  );
}

/** Grey shapes where `count` rows will be. */
export function skeleton(count, kind) {
  const row = () =>
    h(
      "li",
      { class: `${kind} skeleton` },
      h("span", { class: "bone picture" }),
      h(
        "span",
        { class: "bones" },
        h("span", { class: "bone" }),
        h("span", { class: "bone" }),
        h("span", { class: "bone" }),
      ),
    );
  return h(
    "div",
    { role: "status", "aria-label": "Loading" },
    h("ul", { class: `${kind}s`, "aria-hidden": "true" }, Array.from({ length: count }, row)),
  );
}
