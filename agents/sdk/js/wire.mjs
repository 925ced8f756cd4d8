// ACP's framing for QuickJS guests: one JSON object a line on stdin and stdout, over wasi:io without a runtime.
//
// Everything is synchronous: `receive` suspends the whole guest in the host's poll, so an idle agent costs nothing.

import stdinModule from "wasi:cli/stdin@0.2.12";
import stdoutModule from "wasi:cli/stdout@0.2.12";
import stderrModule from "wasi:cli/stderr@0.2.12";
import clock from "wasi:clocks/monotonic-clock@0.2.12";
import poll from "wasi:io/poll@0.2.12";
import { decode, encode } from "./utf8.mjs";

const READ_SIZE = 65536;
const NEWLINE = 10;
const PARSE_ERROR = -32700;

/** stdin has ended: the client is gone and so should the agent be. */
export class EndOfInput extends Error {}

/** Writes a line to stderr, which the host keeps in the transcript. */
export function log(text) {
  const stream = stderrModule.getStderr();
  writeAll(stream, encode(text + "\n"));
  stream[Symbol.dispose]();
}

/** Writes as much at a time as the stream permits; more would trap. */
function writeAll(stream, bytes) {
  let at = 0;
  while (at < bytes.length) {
    const room = stream.checkWrite();
    if (room > 0) {
      const end = Math.min(bytes.length, at + room);
      stream.write(at === 0 && end === bytes.length ? bytes : bytes.slice(at, end));
      at = end;
    } else {
      const ready = stream.subscribe();
      ready.block();
      ready[Symbol.dispose]();
    }
  }
  stream.flush();
}

export class Wire {
  constructor() {
    this.input = stdinModule.getStdin();
    this.output = stdoutModule.getStdout();
    this.inputReady = this.input.subscribe();
    this.partial = []; // chunks of the line that has not ended yet
    this.lines = []; // whole lines not handed out yet
  }

  /** Sends one message. @param {object} message */
  send(message) {
    this.sendText(JSON.stringify(message) + "\n");
  }

  /** Sends text as it is, not framed. @param {string} text */
  sendText(text) {
    writeAll(this.output, encode(text));
  }

  /** @param {Uint8Array} bytes */
  sendBytes(bytes) {
    writeAll(this.output, bytes);
  }

  /**
   * The next message, or undefined when none came within `timeoutMs`. Lines that are no JSON object are answered
   * with a parse error, as JSON-RPC demands, and passed over. Throws EndOfInput.
   */
  receive(timeoutMs = Infinity) {
    const deadline = timeoutMs === Infinity ? Infinity : clock.now() + timeoutMs * 1e6;
    for (;;) {
      while (this.lines.length) {
        const message = this.parse(this.lines.shift());
        if (message) return message;
      }
      if (!this.fill(deadline)) return undefined;
    }
  }

  parse(line) {
    const text = decode(line).trim();
    if (!text) return undefined;
    try {
      const message = JSON.parse(text);
      if (message && typeof message === "object" && !Array.isArray(message)) return message;
    } catch {
      // answered below
    }
    this.send({ jsonrpc: "2.0", id: null, error: { code: PARSE_ERROR, message: "Parse error" } });
    return undefined;
  }

  /** Waits for input until the deadline (ns) and takes in one chunk. False: the time is up. */
  fill(deadline) {
    let bytes = this.readChunk(deadline === Infinity);
    if (!bytes.length) {
      const left = deadline - clock.now();
      if (left <= 0) return false;
      const timer = clock.subscribeDuration(Math.ceil(left));
      poll.poll([this.inputReady, timer]);
      timer[Symbol.dispose]();
      bytes = this.readChunk(false);
    }
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== NEWLINE) continue;
      this.partial.push(bytes.slice(start, i));
      this.lines.push(join(this.partial));
      this.partial = [];
      start = i + 1;
    }
    if (start < bytes.length) this.partial.push(bytes.slice(start));
    return true;
  }

  readChunk(wait) {
    try {
      return wait ? this.input.blockingRead(READ_SIZE) : this.input.read(READ_SIZE);
    } catch {
      throw new EndOfInput("stdin is closed");
    }
  }

  /** Gives the streams back, children first, which the component model insists on. */
  close() {
    this.inputReady[Symbol.dispose]();
    this.input[Symbol.dispose]();
    this.output[Symbol.dispose]();
  }
}

function join(chunks) {
  if (chunks.length === 1) return chunks[0];
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
