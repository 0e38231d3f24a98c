// Two fingers on a screen or a pad, and the wheel with Ctrl: all of them make a page larger or smaller.

const WHEEL = 0.01; // how much a pixel of the wheel changes

/** Calls `zoom(factor, x, y)`; x and y are of the window. */
export function followFingers(element, zoom) {
  const fingers = new Map();
  let apart = 0;
  element.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(-Math.max(-50, Math.min(50, event.deltaY)) * WHEEL), event.clientX, event.clientY);
    },
    { passive: false },
  );
  element.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), {
    passive: false,
  });
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") fingers.set(event.pointerId, event);
    apart = distance(fingers);
  });
  element.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event);
    if (fingers.size !== 2) return;
    const now = distance(fingers);
    const [a, b] = fingers.values();
    if (apart) zoom(now / apart, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2);
    apart = now;
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    element.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      apart = 0;
    });
  }
}

function distance(fingers) {
  if (fingers.size !== 2) return 0;
  const [a, b] = fingers.values();
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}
