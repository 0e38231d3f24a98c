// Server-sent events of a request with a body, which the browser's own EventSource cannot send.

import { ApiError, refusal } from "./api.js";

const AWAY = "The service cannot be reached.";
const CUT = "The connection ended before the answer did.";

/** Calls `heard(event, data)` for each event until the stream ends; resolves with nothing, or throws an ApiError. */
export async function listen(path, body, heard, signal) {
  const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal }).catch(reason(AWAY));
  if (!answer.ok) throw refusal(answer.status, await answer.text());
  const pieces = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await pieces.read().catch(reason(CUT));
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const part of parts) tell(part, heard);
    }
  } finally {
    pieces.cancel().catch(() => {}); // whoever throws in `heard` wants no more of it
  }
}

const reason = (said) => (error) => {
  if (error.name === "AbortError") throw error;
  throw new ApiError(0, said, "Check that vrag serve is still running, then try again.");
};

/** One event; a comment, which only says that the connection lives, is none. */
function tell(part, heard) {
  const lines = part.split("\n");
  const named = lines.find((line) => line.startsWith("event: "));
  const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  if (named) heard(named.slice(7), JSON.parse(data.join("\n")));
}
