// What the model's API says has gone wrong, as JSON-RPC errors.

import { RequestError } from "@agentclientprotocol/sdk";
import { lastFailure } from "../sdk/web/fetch.mjs";

const INTERNAL = -32603;

export function missingKey() {
  return RequestError.authRequired({ variable: "ANTHROPIC_API_KEY" }, "ANTHROPIC_API_KEY is not set");
}

/**
 * The error of a turn that failed. Anthropic's SDK puts "STATUS BODY" into its messages; the body's own message is what a
 * person wants to read, and the status and type what a program does. Its "Connection error." hides the cause.
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
  const text = error?.message ?? (body === "Connection error." ? (lastFailure() ?? body) : body);
  const data = { ...(code && { status: code }), ...(error?.type && { type: error.type }) };
  if (code === 401) return RequestError.authRequired(data, text);
  return new RequestError(INTERNAL, text, data);
}
