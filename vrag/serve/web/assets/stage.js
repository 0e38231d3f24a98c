// The page as a picture as large as one likes, with its words, marks and heat lying over it.

import { h, placed } from "./dom.js";
import { frameBox } from "./frame.js";
import { followFingers } from "./pinch.js";
import { copyWords, textLayer } from "./text_layer.js";

const WIDEST = 980; // pixels of a page that fits the width: longer lines are hard to follow
const STEP = 256; // widths of pictures are multiples of it, so that few different ones are drawn
const LARGEST = 3000; // pixels across that the service draws
const USUAL = 1 / Math.SQRT2; // shape of a page that nobody could read
const DARK = 96; // of 255: a page whose typical pixel is darker is a dark one

export class Stage {
  constructor() {
    this.image = h("img", {
      class: "page-image",
      alt: "",
      decoding: "async",
      on: { load: () => this.#loaded(), error: () => this.#missing() },
    });
    this.heatImage = h("img", { class: "page-heat", alt: "", hidden: true });
    this.layer = h("div", { class: "marks", "aria-hidden": "true" });
    this.words = h("div", { class: "words" });
    this.sheet = h("div", { class: "page-sheet" }, this.image, this.heatImage, this.layer, this.words);
    this.element = h("div", { class: "stage", tabindex: "0", role: "region", "aria-label": "Page" }, this.sheet);
    this.hasMarks = true;
    this.isWhole = false;
    this.scale = 1;
    copyWords(this.words);
    followFingers(this.element, (factor, x, y) => this.zoom(factor, x, y));
    new ResizeObserver(() => this.#resize()).observe(this.element);
  }

  /** Until the page is known. */
  wait() {
    this.element.setAttribute("aria-busy", "true");
    this.heat(null);
    this.layer.replaceChildren();
    this.words.replaceChildren();
  }

  show(page) {
    const isOther = this.page?.image_url !== page.image_url;
    this.page = page;
    this.element.setAttribute("aria-label", `Page ${page.page} of ${page.doc}`);
    if (isOther) {
      this.image.removeAttribute("src");
      this.drawn = 0;
      this.element.scrollTo(0, 0);
    }
    this.#resize();
    this.words.replaceChildren(...textLayer(page));
  }

  /** The regions that count, framed, and the words that answer, marked; the first frame is brought into view. */
  mark(regions, boxes) {
    const frame = (region) =>
      h("span", { class: "frame", style: placed(frameBox(region, this.page.words, this.shape)) });
    this.layer.replaceChildren(
      ...boxes.map((box) => h("span", { class: "mark", style: placed(box, 1) })),
      ...regions.map(frame),
    );
    if (regions.length && this.element.scrollTop === 0) this.#bring(regions[0]);
  }

  heat(url) {
    this.heatImage.hidden = !url;
    if (url) this.heatImage.src = url;
  }

  toggleMarks() {
    this.hasMarks = !this.hasMarks;
    this.layer.hidden = !this.hasMarks;
  }

  fit(isWhole = this.isWhole) {
    this.isWhole = isWhole;
    this.scale = 1;
    this.#resize();
  }

  /** Larger or smaller, around a point of the window; by default the middle of the stage. */
  zoom(factor, x = null, y = null) {
    if (!this.page) return;
    const box = this.element.getBoundingClientRect();
    const [dx, dy] = [(x ?? box.left + box.width / 2) - box.left, (y ?? box.top + box.height / 2) - box.top];
    const before = this.sheet.getBoundingClientRect();
    const [sx, sy] = [(dx + box.left - before.left) / before.width, (dy + box.top - before.top) / before.height];
    this.scale = Math.min(6, Math.max(0.3, this.scale * factor));
    this.#resize();
    const after = this.sheet.getBoundingClientRect();
    this.element.scrollBy(after.left + sx * after.width - dx - box.left, after.top + sy * after.height - dy - box.top);
  }

  /** Whether the page is wider than its stage, so that keys move it sideways. */
  get isWide() {
    return this.element.scrollWidth > this.element.clientWidth + 1;
  }

  /** Width of the page by its height. */
  get shape() {
    return this.page.width && this.page.height ? this.page.width / this.page.height : USUAL;
  }

  #resize() {
    if (!this.page || !this.element.clientWidth) return;
    const style = getComputedStyle(this.element);
    const across = this.element.clientWidth - 2 * parseFloat(style.paddingLeft);
    const down = this.element.clientHeight - 2 * parseFloat(style.paddingTop);
    const fitted = this.isWhole ? Math.min(across, down * this.shape) : Math.min(across, WIDEST);
    this.width = fitted * this.scale;
    this.sheet.style.setProperty("width", `${this.width}px`);
    this.sheet.style.setProperty("aspect-ratio", String(this.shape));
    this.#draw();
  }

  /** Ask for a sharper picture where this one would be blurred; the old one stays until it is there. */
  #draw() {
    const wanted = Math.min(LARGEST, Math.ceil((this.width * devicePixelRatio) / STEP) * STEP);
    if (wanted <= this.drawn) return;
    this.drawn = wanted;
    this.image.src = `${this.page.image_url}?width=${wanted}`;
  }

  #loaded() {
    this.element.removeAttribute("aria-busy");
    this.sheet.classList.remove("missing");
    this.sheet.classList.toggle("dark-page", isDark(this.image));
  }

  #missing() {
    this.element.removeAttribute("aria-busy");
    this.sheet.classList.add("missing");
  }

  #bring([, y0, , y1]) {
    const height = this.sheet.getBoundingClientRect().height;
    const room = this.element.clientHeight;
    const middle = ((y0 + y1) / 2) * height - room / 2;
    if (y1 * height > room - 40) this.element.scrollTop = Math.min(middle, y0 * height - 40);
  }
}

/** Whether the page's ground is dark: marks are then light on it. */
function isDark(image) {
  const side = 24;
  const canvas = new OffscreenCanvas(side, side);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const greys = Array.from({ length: side * side }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
  return greys.sort((a, b) => a - b)[greys.length / 2] < DARK;
}
