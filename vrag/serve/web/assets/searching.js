// Asks the service for hits. Answers are kept for a while, so that the way back is immediate.

import { send } from "./api.js";
import { clauses, filtersOf } from "./filters.js";

export const FIRST = 10; // hits asked for at first
export const MOST = 100; // that the service gives
const KEPT = 20;
const LIKE = /^([0-9a-f]{64})\/(\d+)$/;
const answers = new Map();

/** What an address asks for: pages for a query, or, where it has none, pages like the one that `like` names. */
export function wanted(parameters) {
  const k = Number(parameters.get("k")) || FIRST;
  const query = parameters.get("q")?.trim() ?? "";
  const like = !query && LIKE.test(parameters.get("like")) ? parameters.get("like") : null;
  return {
    query,
    like,
    isSearch: Boolean(query || like),
    filters: filtersOf(parameters),
    k: Math.min(MOST, Math.max(1, k)),
  };
}

/** How the `like` of an address names a page. */
export const likeOf = (id, page) => `${id}/${page}`;

/** The search as the service takes it. */
export function asked({ query, like, filters, k }) {
  const where = clauses(filters);
  if (!like) return { query, k, where, words: "typed" };
  const [, doc_id, page] = LIKE.exec(like);
  return { doc_id, page: Number(page), k, where };
}

/** An answer that is there already, or undefined. */
export const remembered = (want) => answers.get(JSON.stringify(asked(want)));

export async function search(want, signal) {
  const found = remembered(want);
  if (found) return found;
  const answer = await send("POST", want.like ? "/v1/search/like" : "/v1/search", asked(want), { signal });
  answers.set(JSON.stringify(asked(want)), answer);
  if (answers.size > KEPT) answers.delete(answers.keys().next().value);
  return answer;
}

/** After documents came or went. */
export const forgetAnswers = () => answers.clear();
