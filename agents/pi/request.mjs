// What is sent to the model, as pi-ai makes it.

import { TAKE } from "@anthropic-ai/sdk"; // anthropic.mjs stands in its place
import { streamSimpleAnthropic } from "@mariozechner/pi-ai/anthropic";

/**
 * The request that pi-ai makes of a conversation: it knows what each model takes.
 *
 * @returns {Promise<{url: string, headers: object, body: object}>}
 */
export async function requestFor(model, context, options) {
  let request;
  const headers = { ...options.headers, [TAKE]: (taken) => (request = taken) };
  const { errorMessage } = await streamSimpleAnthropic(model, context, { ...options, headers }).result();
  if (!request) throw new Error(errorMessage);
  return request;
}
