// Requests to models other than Anthropic's, whose events pi-ai itself reads: for what stands in the places of their SDKs.

import { ModelError, errorFrom, excerpt } from "./failure.mjs";
import { send } from "./model.mjs";
import { delayBefore, pause } from "./retry.mjs";
import { EventParser } from "./sse.mjs";

/** Bytes of an answer that is no event stream: beyond any error that is read. */
const MAX_ERROR = 64 * 1024;

/** Sends a request, and again while that may help. @returns {Promise<Body>} */
async function sendPatiently(request, signal) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send(request, signal);
    } catch (error) {
      const delay = signal?.aborted ? undefined : delayBefore(attempt, error);
      if (delay === undefined) throw error;
      await pause(delay, signal);
    }
  }
}

/** The events of an answer, each as the object that its JSON is. Throws ModelError. */
async function* events(body) {
  try {
    if (["{", "<", "["].includes(await body.peek())) throw errorFrom(await body.text(MAX_ERROR));
    const { beginning } = body;
    const parser = new EventParser();
    let count = 0;
    for (let bytes; (bytes = await body.read()); ) {
      for (const data of parser.feed(bytes)) {
        if (data.trim() === "[DONE]") return;
        count++;
        yield parsed(data);
      }
    }
    if (!count) throw new ModelError(`the model's server answered with something that is no event stream: ${excerpt(beginning)}`);
  } finally {
    body.leave();
  }
}

function parsed(data) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    throw new ModelError(`the model's server sent an event that is no JSON: ${data.slice(0, 200)}`);
  }
  if (event?.error && event.type === undefined) throw errorFrom(data);
  return event;
}

/**
 * Asks a model. Headers that are null are left out.
 *
 * @returns {Promise<AsyncIterable<object>>} the events of the answer
 */
export async function ask({ url, headers, body }, signal) {
  const given = Object.entries({ "content-type": "application/json", ...headers }).filter(([, value]) => value != null);
  return events(await sendPatiently({ url, headers: Object.fromEntries(given), body }, signal));
}
