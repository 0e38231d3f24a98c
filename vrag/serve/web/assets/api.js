// The service's HTTP API: JSON in, JSON out; what it refuses becomes an error with a detail and a hint.

export class ApiError extends Error {
  constructor(status, detail, hint = "") {
    super(detail);
    this.status = status;
    this.hint = hint;
  }
}

export async function get(path, parameters = {}, signal = undefined) {
  return ask(path + query(parameters), { signal });
}

export async function send(method, path, body, options = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
}

/** "?a=1&b=2": lists repeat their key; what is null or empty is left out. */
export function query(parameters) {
  const pairs = Object.entries(parameters).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
  const text = new URLSearchParams(
    pairs.filter(([, value]) => value !== null && value !== undefined && value !== ""),
  ).toString();
  return text && `?${text}`;
}

/** What the body of a refusal says, as an error. */
export function refusal(status, text) {
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === "string") return new ApiError(status, problem.detail, problem.hint || "");
    if (problem.title) return new ApiError(status, problem.title, problem.hint || "");
  } catch {
    // Not from the service: something between it and the browser answered.
  }
  return new ApiError(status, `The service answered with status ${status}.`, "Try again in a moment.");
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The service cannot be reached.", "Check that vrag serve is still running, then try again.");
  }
  const text = await answer.text();
  if (!answer.ok) throw refusal(answer.status, text);
  return text ? JSON.parse(text) : null;
}
