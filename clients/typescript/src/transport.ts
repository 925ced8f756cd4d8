/** JSON texts to and from the daemon: a line each over a Unix socket, a text frame each over a WebSocket. */

import { createConnection, isIP, type Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";
import { connect as connectTls } from "node:tls";
import { checkDirectory, type Endpoint, type WebEndpoint } from "./endpoint.js";
import { ConnectionError, EndpointError, TorporError } from "./errors.js";
import { readLocalToken } from "./token.js";
import { closeFrame, FrameReader, pongFrame, shakeHands, textFrame } from "./websocket.js";

/** An open connection. `send` never waits: what the daemon does not read yet is kept here. */
export interface Wire {
  send(text: string): void;
  close(): void;
}

export interface WireHandlers {
  message(text: string): void;
  /** Called once, when nothing will come any more. */
  closed(reason: ConnectionError): void;
}

/** Bytes of one answer: the daemon's own limit on it, and a bound on what is kept of a line without an end. */
const MAX_LINE = 256 * 1024 * 1024 + 1024;
const NEWLINE = 0x0a;

/** Connects. Throws ConnectionError (`connect_failed`) or EndpointError. */
export function openWire(endpoint: Endpoint, handlers: WireHandlers, timeoutMs: number): Promise<Wire> {
  return endpoint.kind === "unix"
    ? openUnix(endpoint.path, handlers, timeoutMs)
    : openWeb(endpoint, handlers, timeoutMs);
}

async function openUnix(path: string, handlers: WireHandlers, timeoutMs: number): Promise<Wire> {
  checkDirectory(path);
  const socket = createConnection(path).unref();
  try {
    await within<void>(timeoutMs, path, (resolve, reject) => socket.once("connect", resolve).once("error", reject));
  } catch (error) {
    socket.on("error", () => {}).destroy();
    throw connectFailed(path, error);
  }
  let cause: unknown;
  const lines = new LineSplitter(handlers.message, () => socket.destroy(new Error("a line is too long")));
  socket.removeAllListeners("error");
  socket.on("data", (chunk: Buffer) => lines.push(chunk));
  socket.on("error", (error) => (cause = error));
  socket.on("end", () => socket.destroy());
  socket.on("close", () => handlers.closed(new ConnectionError("connection_lost", "the daemon is gone", cause)));
  return {
    send: (text) => void socket.write(`${text}\n`),
    close: () => void socket.destroy(),
  };
}

/** Splits a byte stream at newlines. A line is put together only once it is complete, however many pieces it came in. */
export class LineSplitter {
  #pieces: Buffer[] = [];
  #size = 0;

  constructor(
    private readonly take: (line: string) => void,
    private readonly overlong: () => void,
  ) {}

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#pieces, chunk.subarray(start, end)]).toString("utf8");
      this.#pieces = [];
      this.#size = 0;
      start = end + 1;
      this.take(line);
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start));
      this.#size += chunk.length - start;
      if (this.#size > MAX_LINE) {
        this.overlong();
      }
    }
  }
}

/** The subprotocol of the daemon's (see "Who is let in" of the HTTP page). */
const SUBPROTOCOL = "torpor.v1";
/** What a header line can carry. */
const TOKEN = /^[\x21-\x7e]+$/;

async function openWeb(endpoint: WebEndpoint, handlers: WireHandlers, timeoutMs: number): Promise<Wire> {
  const { url } = endpoint;
  const socket = dial(url).unref();
  let cause: unknown;
  socket.on("error", (error) => (cause = error));
  let rest: Buffer;
  try {
    rest = await within<Buffer>(timeoutMs, url.href, (resolve, reject) => {
      introduce(socket, endpoint).then(resolve, reject);
    });
  } catch (error) {
    socket.destroy();
    throw connectFailed(url.href, error);
  }
  let reason: string | undefined;
  const over = (why: string): void => {
    reason = why;
    socket.destroy();
  };
  const pong = (data: Buffer): void => void socket.write(pongFrame(data));
  const reader = new FrameReader({ message: handlers.message, pong, over }, MAX_LINE);
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  socket.on("end", () => socket.destroy());
  socket.on("close", () => {
    const message = reason === undefined ? "the daemon is gone" : `the daemon is gone: ${reason}`;
    handlers.closed(new ConnectionError("connection_lost", message, cause));
  });
  reader.push(rest);
  socket.resume();
  return {
    send: (text) => void socket.write(textFrame(text)),
    close: () => {
      socket.write(closeFrame());
      socket.destroySoon();
    },
  };
}

function dial(url: URL): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "wss:") {
    return connectTls({ host, port: Number(url.port || 443), servername: isIP(host) ? "" : host });
  }
  return createConnection({ host, port: Number(url.port || 80) });
}

/** Waits for the connection and has it become a WebSocket; returns what has come over that already. */
async function introduce(socket: Socket, { url, token }: WebEndpoint): Promise<Buffer> {
  await new Promise<void>((resolve, reject) => {
    socket.once(url.protocol === "wss:" ? "secureConnect" : "connect", resolve).once("error", reject);
  });
  // The token is looked for after the connection was made: it goes to who listens now.
  const shown = token ?? readLocalToken(url);
  if (!TOKEN.test(shown)) {
    throw new EndpointError("a token is one word of visible characters");
  }
  return shakeHands(socket, url, shown, SUBPROTOCOL);
}

async function within<T>(
  timeoutMs: number,
  place: string,
  start: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${place} does not answer within ${timeoutMs} ms`)), timeoutMs);
      timer.unref();
      start(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

function connectFailed(place: string, error: unknown): TorporError {
  if (error instanceof TorporError) {
    return error;
  }
  const code = (error as NodeJS.ErrnoException).code;
  const reason = code === "ENOENT" ? "there is no socket" : error instanceof Error ? error.message : String(error);
  return new ConnectionError("connect_failed", `no daemon answers at ${place}: ${reason}`, error);
}
