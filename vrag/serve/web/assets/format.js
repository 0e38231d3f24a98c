// Numbers, sizes, times and values as people read them.

const NUMBER = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en", { year: "numeric", month: "short", day: "numeric" });
const MINUTE = new Intl.DateTimeFormat("en", {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});

export const number = (value) => NUMBER.format(value);

/** "1 page", "12 pages". */
export const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

export const percent = (share) => `${Math.round(share * 100)} %`;

export const day = (text) => formatted(DAY, text);

export const minute = (text) => formatted(MINUTE, text);

function formatted(format, text) {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? String(text) : format.format(date);
}

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let power = 0;
  while (count >= 1000 && power < units.length - 1) [count, power] = [count / 1000, power + 1];
  return `${power && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[power]}`;
}

export function milliseconds(value) {
  return value < 1000 ? `${Math.max(1, Math.round(value))} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** What to call a document, or a page of one: its title, unless that is a number that nobody knows it by. */
export const nameOf = ({ title, doc }) => (/\p{L}{2}/u.test(title) ? String(title) : doc);

/** A value of metadata, as text. */
export function valueText(value) {
  if (Array.isArray(value)) return value.join(", ");
  if (value === true || value === false) return value ? "yes" : "no";
  return String(value);
}
