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

/**
 * A function that writes to stdout: at once where there is room, which there mostly is, else after what was to be written
 * before, with a promise.
 *
 * @returns {(bytes: Uint8Array) => Promise<void> | undefined}
 */
export function stdoutWriter() {
  const output = getStdout();
  let waiting; // the last write that could not be finished at once
  return (bytes) => {
    const rest = waiting ? bytes : writeSome(output, bytes);
    if (!rest.length) return undefined;
    const write = (waiting ?? Promise.resolve()).then(() => writeAll(output, rest));
    const ended = () => {
      if (waiting === write) waiting = undefined;
    };
    waiting = write;
    write.then(ended, ended);
    return write;
  };
}

/** The same as a stream. @returns {WritableStream<Uint8Array>} */
export function stdoutStream() {
  return new WritableStream({ write: stdoutWriter() });
}

/** Writes what the stream permits, more would trap, and returns the rest. */
function writeSome(output, bytes) {
  let rest = bytes;
  while (rest.length) {
    const room = Number(output.checkWrite());
    if (!room) break;
    output.write(rest.subarray(0, room));
    rest = rest.subarray(room);
  }
  return rest;
}

/** Writes everything, as the stream makes room. */
export async function writeAll(output, bytes) {
  let rest = writeSome(output, bytes);
  while (rest.length) {
    const pollable = output.subscribe();
    await ready(pollable);
    pollable[Symbol.dispose]();
    rest = writeSome(output, rest);
  }
}

/** Writes a line to stderr, which the host keeps in the transcript. */
export function log(text) {
  const stream = getStderr();
  const bytes = new TextEncoder().encode(text + "\n");
  // At most 4096 bytes at once: the limit of blocking-write-and-flush.
  for (let at = 0; at < bytes.length; at += 4096) stream.blockingWriteAndFlush(bytes.subarray(at, at + 4096));
  stream[Symbol.dispose]();
}
