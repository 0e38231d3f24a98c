// Elements out of plain calls. Text becomes text nodes, never markup: what documents say is data.

/**
 * An element. Properties: `class`, `on` (listeners), `data` (dataset), `style` (set through CSSOM), anything else is an
 * attribute; true is an attribute without a value, and null, undefined and false are none.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") element.className = value;
  else if (name === "on")
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
  else element.setAttribute(name, value === true ? "" : value);
}

/** Other children for an element; what had the focus among the old ones has it among the new ones. */
export function redraw(parent, children) {
  const before = focusable(parent);
  const at = before.indexOf(document.activeElement);
  const name = at < 0 ? null : nameOf(before[at]);
  parent.replaceChildren(...children);
  if (at < 0) return;
  const after = focusable(parent);
  (after.find((element) => nameOf(element) === name) ?? after[at])?.focus({ preventScroll: true });
}

const focusable = (parent) => [...parent.querySelectorAll("a, button, input, select, summary")];
const nameOf = (element) =>
  [element.tagName, element.name, element.value, element.getAttribute("aria-label"), element.textContent].join("|");

/** Whether a key pressed there is text that somebody types. */
export function isTyping(target) {
  return (
    target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "checkbox"
  );
}

/** A box given as shares of the page, as the CSS that places it; `gap` pixels wider on every side. */
export function placed([x0, y0, x1, y1], gap = 0) {
  const share = (value) => `${(value * 100).toFixed(3)}%`;
  return {
    left: `calc(${share(x0)} - ${gap}px)`,
    top: `calc(${share(y0)} - ${gap}px)`,
    width: `calc(${share(x1 - x0)} + ${2 * gap}px)`,
    height: `calc(${share(y1 - y0)} + ${2 * gap}px)`,
  };
}
