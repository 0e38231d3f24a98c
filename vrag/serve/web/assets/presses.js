// What a double click or a held key presses next may be another thing, which slid under it.

/** From now on the second click of a double click is for the button that had the first, and a held key presses once. */
export function startPresses() {
  let pressed = null;
  addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("button");
      const isSame = button === pressed?.button || (button && named(button) === pressed?.name);
      if (event.detail > 1 && button && !isSame) {
        event.preventDefault();
        event.stopPropagation();
      } else pressed = { button, name: button && named(button) };
    },
    true,
  );
  addEventListener(
    "keydown",
    (event) => event.repeat && event.key === "Enter" && event.target.closest("button") && event.preventDefault(),
    true,
  );
}

/** A button that was drawn anew has its old name. */
const named = (button) => button.getAttribute("aria-label") ?? button.textContent;
