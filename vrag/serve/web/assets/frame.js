// A frame around a region that runs through the white between words, so that no word is behind it.

const MOST = 0.012; // of the page's width: how far a frame stands off

/** The region as the frame goes around it: [x0, y0, x1, y1], shares of the page. */
export function frameBox(region, words, shape) {
  const boxes = words.map(({ box }) => box);
  const [x0, y0, x1, y1] = boxes.filter((box) => shared(box, region) > 0.5).reduce(hull, region);
  const beside = boxes.filter((box) => box[1] < y1 && box[3] > y0);
  const above = boxes.filter((box) => box[0] < x1 && box[2] > x0);
  const far = MOST * shape; // the same length down the page
  return [
    x0 -
      gap(
        MOST,
        beside.map((box) => x0 - box[2]),
      ),
    y0 -
      gap(
        far,
        above.map((box) => y0 - box[3]),
      ),
    x1 +
      gap(
        MOST,
        beside.map((box) => box[0] - x1),
      ),
    y1 +
      gap(
        far,
        above.map((box) => box[1] - y1),
      ),
  ];
}

/** Half the way to the nearest word on that side, at most `most`. */
function gap(most, distances) {
  return Math.min(most, ...distances.filter((distance) => distance >= 0).map((distance) => distance / 2));
}

/** How much of a word lies in the region, 0 to 1. */
function shared([a0, b0, a1, b1], [x0, y0, x1, y1]) {
  const across = Math.min(a1, x1) - Math.max(a0, x0);
  const down = Math.min(b1, y1) - Math.max(b0, y0);
  return across > 0 && down > 0 ? (across * down) / ((a1 - a0) * (b1 - b0)) : 0;
}

const hull = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
