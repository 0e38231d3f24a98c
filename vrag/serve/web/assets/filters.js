// Filters that are chosen: how they stand in the address, and what they are in the filter language of the service.

const BUILT_IN = ["doc", "page", "source", "renderer"];
const PREFIX = "f.";

/** The filters of an address: key to chosen values, all of them text. */
export function filtersOf(parameters) {
  const chosen = new Map();
  for (const [name, value] of parameters) {
    if (!name.startsWith(PREFIX)) continue;
    const key = name.slice(PREFIX.length);
    chosen.set(key, [...(chosen.get(key) ?? []), value]);
  }
  return chosen;
}

/** They again, as parameters of an address. */
export function asParameters(filters) {
  return Object.fromEntries([...filters].map(([key, values]) => [PREFIX + key, values]));
}

/** Filters with a value chosen that was not, or the other way round. */
export function toggled(filters, key, value) {
  const changed = new Map(filters);
  const values = changed.get(key) ?? [];
  const rest = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  if (rest.length) changed.set(key, rest);
  else changed.delete(key);
  return changed;
}

/** The clauses of a search; values of one key are alternatives. `except` is a key to leave out. */
export function clauses(filters, except = null) {
  return [...filters].filter(([key]) => key !== except).map(([key, values]) => clause(key, values));
}

function clause(key, values) {
  const name = key !== "doc" && BUILT_IN.includes(key) ? `meta.${key}` : key;
  return values.length === 1 ? `${name}=${quoted(values[0])}` : `${name} in (${values.map(quoted).join(", ")})`;
}

const quoted = (value) => (value.includes('"') ? `'${value}'` : `"${value}"`);
