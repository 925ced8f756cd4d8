// stdin and stdout as web streams of bytes.

import { getStderr } from "wasi:cli/stderr@0.2.12";
import { getStdin } from "wasi:cli/stdin@0.2.12";
import { getStdout } from "wasi:cli/stdout@0.2.12";
import { ready } from "./loop.mjs";

const READ_SIZE = 65536n;

/** @returns {ReadableStream<Uint8Array>} */
export function stdinStream() {
  const input = getStdin();
  const pollable = input.subscribe();
  return new ReadableStream(
    {
      async pull(controller) {
        for (;;) {
          let bytes;
          try {
            bytes = input.read(READ_SIZE);
          } catch {
            controller.close(); // the end, or a broken pipe: both mean that the client is gone
            return;
          }
          if (bytes.length) {
            controller.enqueue(bytes);
            return;
          }
          await ready(pollable);
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** @returns {WritableStream<Uint8Array>} */
export function stdoutStream() {
  const output = getStdout();
  return new WritableStream({ write: (bytes) => writeAll(output, bytes) });
}

/** Writes as much at a time as the stream permits; more would trap. */
export async function writeAll(output, bytes) {
  let at = 0;
  while (at < bytes.length) {
    const room = Number(output.checkWrite());
    if (room > 0) {
      output.write(bytes.subarray(at, at + room));
      at += Math.min(room, bytes.length - at);
    } else {
      const pollable = output.subscribe();
      await ready(pollable);
      pollable[Symbol.dispose]();
    }
  }
  output.flush();
}

/** Writes a line to stderr, which the host keeps in the transcript. */
export function log(text) {
  const stream = getStderr();
  const bytes = new TextEncoder().encode(text + "\n");
  // At most 4096 bytes at once: the limit of blocking-write-and-flush.
  for (let at = 0; at < bytes.length; at += 4096) stream.blockingWriteAndFlush(bytes.subarray(at, at + 4096));
  stream[Symbol.dispose]();
}
