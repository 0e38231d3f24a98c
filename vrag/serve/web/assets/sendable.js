// Which files the service would take: one that it would not must not stop the others of its upload.

import { bytes } from "./format.js";

const HEAD = 1024; // bytes that tell what a file is
const STARTS = ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "II*\0", "MM\0*", "II+\0", "MM\0+"];

/** The files that can be sent, and why the others cannot: `{path, reason, hint}`. */
export async function sendable(files, largest) {
  const good = [],
    bad = [];
  for (const file of files) {
    const reason = await refused(file, largest);
    if (reason) bad.push({ path: file.name, ...reason });
    else good.push(file);
  }
  return { good, bad };
}

async function refused(file, largest) {
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
    return { reason: "This is no PDF and no picture.", hint: "PDF, PNG, JPEG, TIFF and WebP files can be added." };
  } catch {
    return { reason: "The browser cannot read it.", hint: "A folder has to be dropped on the page." };
  }
}
