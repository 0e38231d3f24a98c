// Words of a text that answer a query, wrapped in <mark>.

import { h } from "./dom.js";

const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;
const plain = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** The text as nodes, words that are among `words` marked, whatever their case and accents. */
export function marked(text, words) {
  const wanted = new Set(words.flatMap((word) => [...word.matchAll(WORD)].map(([found]) => plain(found))));
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(WORD)) {
    if (!wanted.has(plain(found[0]))) continue;
    nodes.push(text.slice(end, found.index), h("mark", {}, found[0]));
    end = found.index + found[0].length;
  }
  return [...nodes, text.slice(end)];
}
