/** JSON-RPC 2.0 over one connection: ids, answers in any order, cancelling, and notifications to whom they concern. */

import type { Endpoint } from "./endpoint.js";
import { ConnectionError, TorporError } from "./errors.js";
import { METHODS_WITH_BYTES, type JsonObject, type Welcome } from "./generated.js";
import { openWire, type Wire } from "./transport.js";

/** A notification's method and params. */
export type Listener = (method: string, params: JsonObject) => void;

export interface Subscription {
  id: string;
  /** Stops the notifications; the daemon is told. */
  end(): void;
}

interface Pending {
  method: string;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

const PROTOCOL = 1;
const CLIENT = "torpor-client (TypeScript)";

export class Peer {
  /** Resolves, and never rejects, when the connection is over. */
  readonly closed: Promise<ConnectionError>;
  #wire!: Wire;
  #over: ConnectionError | undefined;
  #lastId = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<string, Listener>();
  readonly #announceClosed: (reason: ConnectionError) => void;
  #welcome!: Welcome;

  private constructor() {
    let announce!: (reason: ConnectionError) => void;
    this.closed = new Promise((resolve) => (announce = resolve));
    this.#announceClosed = announce;
  }

  /** Connects and says hello. Throws ConnectionError, EndpointError, or the TorporError that hello was answered with. */
  static async open(endpoint: Endpoint, timeoutMs: number): Promise<Peer> {
    const peer = new Peer();
    const handlers = {
      message: (text: string) => peer.#take(text),
      closed: (reason: ConnectionError) => peer.#end(reason),
    };
    peer.#wire = await openWire(endpoint, handlers, timeoutMs);
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      peer.#welcome = (await peer.request("hello", { client: CLIENT, protocol: PROTOCOL }, signal)) as Welcome;
    } catch (error) {
      peer.close();
      const late = error instanceof DOMException && error.name === "TimeoutError";
      throw late ? new ConnectionError("connect_failed", `no hello within ${timeoutMs} ms`, error) : error;
    }
    return peer;
  }

  /** What the daemon said of itself. */
  get welcome(): Welcome {
    return this.#welcome;
  }

  get isOpen(): boolean {
    return this.#over === undefined;
  }

  /**
   * Sends a request and returns its result; bytes in params and result are Uint8Arrays. `accept` sees the result before
   * anything that the daemon sent after it. Rejects with TorporError, or with the signal's reason: then the daemon is told,
   * and its answer ignored.
   */
  async request(
    method: string,
    params: object,
    signal?: AbortSignal,
    accept?: (result: unknown) => void,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    if (this.#over !== undefined) {
      throw this.#over;
    }
    const id = ++this.#lastId;
    const text = JSON.stringify({ jsonrpc: "2.0", id, method, params }, encodeBytes);
    let abort: (() => void) | undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        const resolveFirst = (result: unknown): void => {
          accept?.(result);
          resolve(result);
        };
        this.#pending.set(id, { method, resolve: resolveFirst, reject });
        abort = () => {
          this.#pending.delete(id);
          this.#notify("$/cancel_request", { id });
          reject(signal!.reason);
        };
        signal?.addEventListener("abort", abort);
        this.#wire.send(text);
      });
    } finally {
      signal?.removeEventListener("abort", abort!);
    }
  }

  /** Subscribes; `listener` hears everything from the first notification on. Rejects as `request` does. */
  async subscribe(params: object, listener: Listener): Promise<Subscription> {
    let id = "";
    await this.request("subscribe", params, undefined, (result) => {
      id = (result as { subscriptionId: string }).subscriptionId;
      this.#listeners.set(id, listener);
    });
    return {
      id,
      end: () => {
        if (this.#listeners.delete(id)) {
          this.request("unsubscribe", { subscriptionId: id }).catch(() => {}); // it is over either way
        }
      },
    };
  }

  /** Ends the connection; requests under way are rejected. Idempotent. */
  close(): void {
    this.#end(new ConnectionError("client_closed", "the client was closed"));
    this.#wire.close();
  }

  #notify(method: string, params: object): void {
    if (this.#over === undefined) {
      this.#wire.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
    }
  }

  #take(text: string): void {
    let message: JsonObject | undefined;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    if (typeof message !== "object" || message === null || Array.isArray(message)) {
      this.#end(new ConnectionError("connection_lost", "what answers is no daemon: it does not send JSON objects"));
      this.#wire.close();
      return;
    }
    if (typeof message.method === "string") {
      const params: JsonObject = Object(message.params);
      const listener = this.#listeners.get(params.subscriptionId);
      listener?.(message.method, withData(params));
      return;
    }
    const pending = this.#pending.get(message.id);
    if (pending !== undefined) {
      this.#pending.delete(message.id);
      if (message.error !== undefined) {
        pending.reject(TorporError.fromRpc(message.error));
      } else {
        const { result } = message;
        pending.resolve(METHODS_WITH_BYTES.has(pending.method) ? decodeBytes(result) : result);
      }
    }
  }

  #end(reason: ConnectionError): void {
    if (this.#over !== undefined) {
      return;
    }
    this.#over = reason;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#listeners.clear();
    for (const each of pending) {
      each.reject(reason);
    }
    this.#announceClosed(reason);
  }
}

/** For JSON.stringify: bytes travel as `{base64}`. A Buffer would have become something else before it came here. */
function encodeBytes(this: JsonObject, key: string, value: unknown): unknown {
  const given: unknown = this[key];
  if (given instanceof Uint8Array) {
    return { base64: Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString("base64") };
  }
  return value;
}

function decodeBytes(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(decodeBytes);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]![0] === "base64" && typeof entries[0]![1] === "string") {
    return new Uint8Array(Buffer.from(entries[0]![1], "base64"));
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, decodeBytes(item)]));
}

/** Output of processes and shells may be bytes; what agents say is never looked into. */
function withData(params: JsonObject): JsonObject {
  return typeof params.data?.base64 === "string" ? { ...params, data: decodeBytes(params.data) } : params;
}
