// What the index says of itself, asked once.

import { get } from "./api.js";

let asked = null;

/** GET /v1/index, and `kinds`: metadata key to its type. */
export function indexFacts() {
  asked ??= get("/v1/index").then((facts) => ({
    ...facts,
    kinds: Object.fromEntries(facts.filters.map(({ key, kind }) => [key, kind])),
  }));
  asked.catch(() => (asked = null));
  return asked;
}

/** After documents came or went. */
export const forgetFacts = () => (asked = null);
