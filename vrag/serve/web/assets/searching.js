// Asks the service for hits. Answers are kept for a while, so that the way back is immediate.

import { send } from "./api.js";
import { clauses, filtersOf } from "./filters.js";

export const FIRST = 10; // hits asked for at first
export const MOST = 100; // that the service gives
const KEPT = 20;
const answers = new Map();

/** What an address asks for. */
export function wanted(parameters) {
  const k = Number(parameters.get("k")) || FIRST;
  return {
    query: parameters.get("q")?.trim() ?? "",
    filters: filtersOf(parameters),
    k: Math.min(MOST, Math.max(1, k)),
  };
}

/** The search as the service takes it. */
export function asked({ query, filters, k }) {
  return { query, k, where: clauses(filters), words: "typed" };
}

/** An answer that is there already, or undefined. */
export const remembered = (want) => answers.get(JSON.stringify(asked(want)));

export async function search(want, signal) {
  const found = remembered(want);
  if (found) return found;
  const answer = await send("POST", "/v1/search", asked(want), { signal });
  answers.set(JSON.stringify(asked(want)), answer);
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  return answer;
}

/** After documents came or went. */
export const forgetAnswers = () => answers.clear();
