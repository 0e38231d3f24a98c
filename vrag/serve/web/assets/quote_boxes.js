// Where a quote stands on its page: the boxes of its lines, in addresses and as frames.

const NEAR = 2; // heights of a line: a box that is so far below another one belongs to the same frame

/** A box as an address has it. */
export const boxText = (box) => box.map((edge) => edge.toFixed(4)).join(",");

/** The boxes that an address names: those that lie on a page. */
export function boxesOf(parameters) {
  const boxes = parameters.getAll("box").map((text) => text.split(",").map(Number));
  return boxes.filter((box) => box.length === 4 && box.every((edge) => edge >= 0 && edge <= 1));
}

/** Lines that follow each other share a frame; cells of a table that lie apart have one each. */
export function frames(boxes) {
  const found = [];
  for (const box of boxes) {
    const last = found.at(-1);
    const isNext = last && box[1] - last[3] < NEAR * (box[3] - box[1]) && box[1] >= last[1] && overlaps(box, last);
    if (isNext) found[found.length - 1] = hull(last, box);
    else found.push(box);
  }
  return found;
}

const overlaps = (a, b) => a[0] < b[2] && b[0] < a[2];
const hull = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
