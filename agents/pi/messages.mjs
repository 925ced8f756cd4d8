// ACP's messages as lines, in the shape that the ACP SDK takes.

import { ndJsonStream } from "@agentclientprotocol/sdk";
import { toJson } from "./text.mjs";

const encoder = new TextEncoder();

/**
 * The SDK's own stream for reading, and a writer of ours. The SDK's passes each message through two WritableStreams, with a
 * writer made and released at each: as much work in a guest as all else that an update needs.
 *
 * @param {(bytes: Uint8Array) => Promise<void> | undefined} write writes a line after those before it
 * @param {ReadableStream<Uint8Array>} input
 */
export function messageStream(write, input) {
  // The SDK answers by itself what is not a message at all; that goes through its own stream.
  const { readable } = ndJsonStream(new WritableStream({ write }), input);
  const writer = { write: (message) => write(encoder.encode(toJson(message) + "\n")), releaseLock() {} };
  return { readable, writable: { getWriter: () => writer } };
}
