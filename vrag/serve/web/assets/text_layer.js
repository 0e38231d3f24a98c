// The words of a page, invisible over its picture, so that they can be selected, found and read aloud.

import { h } from "./dom.js";

const MEASURED = 100; // pixels of the letters that are measured
const pen = new OffscreenCanvas(1, 1).getContext("2d");

/** An element for each word, as large as its box at any size of the page: lengths are shares of its width. */
export function textLayer(page) {
  if (!page.width || !page.height) return [];
  pen.font = `${MEASURED}px sans-serif`;
  return page.words.map((word, i) => wordElement(word, page, page.words[i + 1]));
}

function wordElement({ text, box: [x0, y0, x1, y1], line }, page, next) {
  const size = ((y1 - y0) * page.height) / page.width; // of the letters, as a share of the page's width
  const natural = (pen.measureText(text).width / MEASURED) * size;
  const after = next === undefined ? "" : next.line === line ? " " : "\n";
  return h(
    "span",
    {
      data: { after },
      style: {
        left: `${x0 * 100}%`,
        top: `${y0 * 100}%`,
        "font-size": `${size * 100}cqw`,
        transform: `scaleX(${natural > 0 ? (x1 - x0) / natural : 1})`,
      },
    },
    text,
  );
}

/** What is copied is words with spaces and lines as on the page; the browser would put every word on a line. */
export function copyWords(layer) {
  layer.addEventListener("copy", (event) => {
    const chosen = getSelection();
    const words = [...layer.children].filter((word) => chosen.containsNode(word, true));
    const text = words
      .map((word) => word.textContent + word.dataset.after)
      .join("")
      .trim();
    if (!text) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  });
}
