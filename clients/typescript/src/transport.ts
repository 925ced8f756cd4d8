/** JSON texts to and from the daemon: a line each over a Unix socket, a text frame each over a WebSocket. */

import { createConnection } from "node:net";
import { checkDirectory, type Endpoint } from "./endpoint.js";
import { ConnectionError, TorporError } from "./errors.js";

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
    : openWeb(endpoint.url, endpoint.token, handlers, timeoutMs);
}

async function openUnix(path: string, handlers: WireHandlers, timeoutMs: number): Promise<Wire> {
  checkDirectory(path);
  const socket = createConnection(path);
  try {
    await within(timeoutMs, path, (resolve, reject) => socket.once("connect", resolve).once("error", reject));
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

/** The part of the standard's WebSocket that is used; Node's own types have it from version 22 on. */
interface StandardWebSocket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onerror: ((event: { error?: unknown; message?: string }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
}

async function openWeb(
  url: string,
  token: string,
  handlers: WireHandlers,
  timeoutMs: number,
): Promise<Wire> {
  const { WebSocket } = globalThis as { WebSocket?: new (url: string, protocols: string[]) => StandardWebSocket };
  if (WebSocket === undefined) {
    throw new ConnectionError(
      "connect_failed",
      `${url} needs a WebSocket: run Node 22 or newer, or Node 20 with --experimental-websocket`,
    );
  }
  // This constructor sets no headers, so that the token goes where a browser's would: among the subprotocols.
  const socket = new WebSocket(url, ["torpor.v1", `bearer.${token}`]);
  try {
    await within(timeoutMs, url, (resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = (event) => reject(event.error ?? new Error(event.message || "refused"));
      socket.onclose = (event) => reject(new Error(event.reason || `closed with ${event.code}`));
    });
  } catch (error) {
    socket.onopen = socket.onerror = socket.onclose = null;
    socket.close();
    throw connectFailed(`${url}, or it does not take the token`, error);
  }
  socket.onerror = () => {}; // what there is to know comes with the close
  socket.onmessage = ({ data }) => handlers.message(String(data));
  socket.onclose = ({ code, reason }) =>
    handlers.closed(new ConnectionError("connection_lost", `the daemon is gone: ${reason || `closed with ${code}`}`));
  return { send: (text) => socket.send(text), close: () => socket.close() };
}

async function within(
  timeoutMs: number,
  place: string,
  start: (resolve: () => void, reject: (reason: unknown) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${place} does not answer within ${timeoutMs} ms`)), timeoutMs);
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
