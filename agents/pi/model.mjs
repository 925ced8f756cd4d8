// Asking the model: a request goes out, the answer is read as it comes, and what fails for the moment is tried again.

import { createAssistantMessageEventStream } from "@mariozechner/pi-ai";
import { Answer, withoutCalls } from "./answer.mjs";
import { UnusableArguments } from "./arguments.mjs";
import { Body } from "./body.mjs";
import { ModelError, errorFrom, excerpt, refusesImages } from "./failure.mjs";
import { firstSuspect } from "./images.mjs";
import { requestFor } from "./request.mjs";
import { delayBefore, pause } from "./retry.mjs";
import { EventParser } from "./sse.mjs";
import { toJson } from "./text.mjs";

/** Bytes of an answer that is no event stream: beyond the largest message of the API. Of errors, beyond any that is read. */
const MAX_WHOLE = 16 * 1024 * 1024;
const MAX_ERROR = 64 * 1024;
/** How often a model may make a pause in one answer. */
const MAX_PAUSES = 5;
/** How many answers in a row may be cut off within a tool call: a model that does not learn from two will not from more. */
const MAX_CUT_CALLS = 3;

/** wasi:http's errors that may be others the next time. */
const TRANSIENT_FAILURES = new Set([
  "connection-limit-reached",
  "connection-read-timeout",
  "connection-refused",
  "connection-terminated",
  "connection-timeout",
  "destination-unavailable",
  "DNS-timeout",
]);

function checkUrl(url) {
  try {
    new URL(url);
  } catch {
    throw new ModelError(`ANTHROPIC_BASE_URL is no URL: ${url.replace(/\/v1\/messages$/, "")}`);
  }
}

/** Sends a request. @returns {Promise<Body>} of the answer; throws ModelError if it is an error */
export async function send({ url, headers, body }, signal) {
  let response;
  try {
    response = await fetch(url, { method: "POST", headers, body: toJson(body), signal });
  } catch (error) {
    throw new ModelError(error.message, { transient: TRANSIENT_FAILURES.has(error.code) });
  }
  const answer = new Body(response.body);
  if (response.ok) return answer;
  try {
    throw errorFrom(await answer.text(MAX_ERROR), { status: response.status, headers: response.headers });
  } finally {
    answer.leave();
  }
}

/** Feeds an answer with a body. */
async function read(body, answer) {
  try {
    const first = await body.peek();
    if (first === "{") {
      answer.takeWhole(await body.text(MAX_WHOLE));
    } else if (first === "<") {
      const page = excerpt(await body.text(MAX_ERROR));
      throw new ModelError(`the model's server answered with a page, not with an event stream: ${page}`);
    } else {
      await readEvents(body, answer);
    }
  } finally {
    body.leave();
  }
  answer.finish();
}

async function readEvents(body, answer) {
  const parser = new EventParser();
  const { beginning } = body;
  let count = 0;
  for (let bytes; !answer.ended && (bytes = await body.read()); ) {
    for (const data of parser.feed(bytes)) {
      if (answer.ended) break;
      count++;
      answer.take(data);
    }
  }
  if (!count && beginning) {
    throw new ModelError(`the model's server answered with something that is no event stream: ${excerpt(beginning)}`);
  }
}

function callIds({ messages }) {
  const calls = messages.filter(({ role }) => role === "assistant").flatMap(({ content }) => content);
  return new Set(calls.filter(({ type }) => type === "toolCall").map(({ id }) => id));
}

/**
 * Asks, and asks again while no text of an answer has been shown: that cannot be taken back. Thoughts may come twice, and a call that
 * is announced is not made.
 *
 * @returns {Promise<object>} pi's message
 */
async function ask(model, context, options, before, show) {
  let request = await requestFor(model, context, options);
  checkUrl(request.url);
  // The answer to tool results may be nothing: the work is done, and the model has no more to say.
  const mayBeEmpty = context.messages.at(-1)?.role === "toolResult";
  for (let attempt = 0; ; attempt++) {
    let shown = false;
    const showing = (event) => {
      shown ||= event.type === "text_delta" && event.delta.trim() !== "";
      show(event);
    };
    const answer = new Answer(model, { before, show: showing, taken: callIds(context) });
    try {
      await read(await send(request, options.signal), answer);
      if (!answer.isEmpty || (mayBeEmpty && attempt)) return answer.message;
      throw new ModelError("the model gave an empty answer", { transient: true });
    } catch (error) {
      const suspect = !shown && refusesImages(error) ? firstSuspect(context.messages) : undefined;
      if (suspect !== undefined) {
        options.withdrawImages(context.messages, suspect);
        request = await requestFor(model, context, options);
        continue;
      }
      const delay = shown || options.signal?.aborted ? undefined : delayBefore(attempt, error);
      if (delay === undefined) throw error;
      await pause(delay, options.signal);
    }
  }
}

/** How many answers of this turn in a row, up to the last, were cut off. */
function cutOffAtEnd({ messages }) {
  const turn = messages.slice(messages.findLastIndex(({ role }) => role === "user"));
  const answers = turn.filter(({ role }) => role === "assistant");
  return answers.length - 1 - answers.findLastIndex(({ stopReason }) => stopReason !== "length");
}

/** One answer, with the pauses that the model makes in it. @returns {Promise<object>} pi's message */
async function converse(model, context, options, show) {
  let message = await ask(model, context, options, undefined, show);
  for (let pauses = 0; message.stopReason === "pause" && pauses < MAX_PAUSES; pauses++) {
    const messages = [...context.messages, { ...message, stopReason: "stop" }];
    message = await ask(model, { ...context, messages }, options, message, show);
  }
  if (message.stopReason === "pause") message.stopReason = "stop";
  if (message.stopReason === "length" && cutOffAtEnd(context) >= MAX_CUT_CALLS) {
    return withoutCalls(message, (call) => call.arguments instanceof UnusableArguments);
  }
  return message;
}

/**
 * pi's stream function: it never throws, what goes wrong is the stream's last event.
 *
 * @param {(messages: object[], first: number) => void} options.withdrawImages has the images of the messages from `first` on go
 */
export function streamAnswer(model, context, options) {
  const stream = createAssistantMessageEventStream();
  let { message } = new Answer(model);
  const show = (event) => {
    message = event.partial;
    stream.push(event);
  };
  const run = async () => {
    stream.push({ type: "start", partial: message });
    try {
      message = await converse(model, context, options, show);
      stream.push({ type: "done", reason: message.stopReason, message });
    } catch (error) {
      const reason = options.signal?.aborted ? "aborted" : "error";
      const errorMessage = error instanceof ModelError ? error.message : `pi has failed: ${error.message}`;
      Object.assign(message, { stopReason: reason, errorMessage, errorData: error.data });
      stream.push({ type: "error", reason, error: message });
    }
  };
  run();
  return stream;
}
