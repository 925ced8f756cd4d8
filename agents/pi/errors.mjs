// What the model's API says has gone wrong, as JSON-RPC errors.

import { RequestError } from "@agentclientprotocol/sdk";

const INTERNAL = -32603;

export function missingKey() {
  return RequestError.authRequired({ variable: "ANTHROPIC_API_KEY" }, "ANTHROPIC_API_KEY is not set");
}

/**
 * The error of a turn that failed. An error of the API has "STATUS BODY" as its message; the body's own message is what a
 * person wants to read, and the status and type what a program does.
 */
export function promptError(message = "the model gave no answer") {
  const [, status, body] = /^(?:(\d{3}) )?([\s\S]*)$/.exec(message);
  let error;
  try {
    ({ error } = JSON.parse(body));
  } catch {
    error = undefined;
  }
  const code = Number(status) || undefined;
  const text = error?.message ?? body;
  const data = { ...(code && { status: code }), ...(error?.type && { type: error.type }) };
  if (code === 401) return RequestError.authRequired(data, text);
  return new RequestError(INTERNAL, text, data);
}
