// Which files the service would take: one that it would not must not stop the others of its upload.

import { bytes } from "./format.js";

const HEAD = 1024; // bytes that tell what a file is
const STARTS = ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "II*\0", "MM\0*", "II+\0", "MM\0+"];

const OFFICE = ["PK\x03\x04", "{\\rtf", "\xd0\xcf\x11\xe0"];
const TEXTS = [".html", ".htm", ".md", ".txt", ".eml"];
const UTF_16 = ["\xff\xfe", "\xfe\xff"];

/** The files that can be sent, and why the others cannot: `{path, reason, hint}`. */
export async function sendable(files, { max_bytes: largest, printed = [] }) {
  const good = [],
    bad = [];
  for (const file of files) {
    const reason = await refused(file, largest, printed);
    if (reason) bad.push({ path: file.name, ...reason });
    else good.push(file);
  }
  return { good, bad };
}

async function refused(file, largest, printed) {
  if (largest && file.size > largest)
    return {
      reason: `It has ${bytes(file.size)}; ${bytes(largest)} is the most.`,
      hint: "Whoever runs the service can index it from its folder.",
    };
  if (file.size === 0) return { reason: "The file is empty.", hint: "Get it again from its source." };
  try {
    const head = String.fromCharCode(...new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
    const isWebp = head.startsWith("RIFF") && head.slice(8, 12) === "WEBP";
    if (head.includes("%PDF-") || isWebp || STARTS.some((start) => head.startsWith(start))) return null;
    if (file.name.toLowerCase().endsWith(".cbz") && head.startsWith("PK\x03\x04")) return null;
    if (isPrinted(file.name, head, printed)) return null;
    const others = printed.length ? `, and ${printed.map((ending) => ending.slice(1)).join(", ")}` : "";
    const hint = `PDF, PNG, JPEG, TIFF, WebP and CBZ files can be added${others}.`;
    return { reason: "This is no PDF and no picture.", hint };
  } catch {
    return { reason: "The browser cannot read it.", hint: "A folder has to be dropped on the page." };
  }
}

/** Whether the service prints such a file: its name says so, and its first bytes agree. */
function isPrinted(name, head, printed) {
  const ending = name.slice(name.lastIndexOf(".")).toLowerCase();
  if (!printed.includes(ending)) return false;
  if (!TEXTS.includes(ending)) return OFFICE.some((start) => head.startsWith(start));
  return !head.includes("\0") || UTF_16.some((mark) => head.startsWith(mark));
}
