/** The client's one connection, made when it is needed, and made anew after it was lost. */

import { clearTimeout, setTimeout } from "node:timers";
import type { Endpoint } from "./endpoint.js";
import { asCalled, type CallSite, ConnectionError, TorporError } from "./errors.js";
import { Hold } from "./hold.js";
import { Peer } from "./peer.js";
import { startDaemon } from "./starting.js";

export interface LinkOptions {
  connectTimeoutMs: number;
  patienceMs: number;
  autostart: boolean;
}

/** Milliseconds to wait between attempts, doubled up to the second: a daemon restarts within one or two seconds. */
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

export type LinkChange =
  | { kind: "disconnected"; reason: ConnectionError }
  | { kind: "reconnected"; about: { epoch: string; restarted: boolean } };

export class Link {
  #opening: Promise<Peer> | undefined;
  #peer: Peer | undefined;
  #closed = false;
  readonly #onClose = new Set<() => void>();
  /** What keeps the process: nothing else of the client does. */
  readonly hold = new Hold();
  /** Has the client tell of a connection that is lost, or there again; the connection that is opened first is not news. */
  onChange: (change: LinkChange) => void = () => {};

  constructor(
    readonly endpoint: Endpoint,
    private readonly options: LinkOptions,
  ) {}

  /**
   * Returns the open connection, connecting if there is none. A daemon that was there before is waited for. Rejects as
   * `Peer.open` does.
   */
  async peer(): Promise<Peer> {
    if (this.#closed) {
      throw clientClosed();
    }
    if (this.#peer?.isOpen) {
      return this.#peer;
    }
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /**
   * Does the work of a call that the program makes by `method`, a function: until it is over the process stays, and an error of
   * it has the program's line on its stack.
   */
  async run<T>(method: CallableFunction, work: () => Promise<T>): Promise<T> {
    const site: CallSite = {};
    Error.captureStackTrace(site, method);
    const release = this.hold.take();
    try {
      return await work();
    } catch (error) {
      throw asCalled(error, site);
    } finally {
      release();
    }
  }

  /** Sends one request. A connection that is lost meanwhile rejects it: whether it was carried out is not known then. */
  async request(method: string, params: object, signal?: AbortSignal): Promise<unknown> {
    const peer = this.#peer?.isOpen ? this.#peer : await abortable(this.peer(), signal);
    return peer.request(method, params, signal);
  }

  /** Has `callback` called by `close`; the returned function takes that back. */
  onClose(callback: () => void): () => void {
    this.#onClose.add(callback);
    return () => void this.#onClose.delete(callback);
  }

  /** Ends the connection for good. */
  close(): void {
    this.#closed = true;
    for (const callback of [...this.#onClose]) {
      callback();
    }
    this.#peer?.close();
  }

  async #open(): Promise<Peer> {
    let mayStart = this.options.autostart && this.#peer === undefined;
    const deadline = performance.now() + (this.#peer === undefined ? 0 : this.options.patienceMs);
    for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, MAX_DELAY_MS)) {
      try {
        const peer = await Peer.open(this.endpoint, this.options.connectTimeoutMs);
        if (this.#closed) {
          peer.close();
          throw clientClosed();
        }
        const before = this.#peer?.welcome.epoch;
        this.#peer = peer;
        void peer.closed.then((reason) => {
          if (!this.#closed) {
            this.onChange({ kind: "disconnected", reason });
          }
        });
        if (before !== undefined) {
          const { epoch } = peer.welcome;
          this.onChange({ kind: "reconnected", about: { epoch, restarted: epoch !== before } });
        }
        return peer;
      } catch (error) {
        if (mayStart && this.endpoint.kind === "unix" && error instanceof ConnectionError) {
          mayStart = false;
          await startDaemon(this.endpoint.path, error);
          continue;
        }
        const inVain = !(error instanceof TorporError && error.retryable);
        if (inVain || performance.now() + delay > deadline) {
          throw error;
        }
      }
      await this.#pause(delay);
    }
  }

  async #pause(delay: number): Promise<void> {
    let stopListening: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay).unref();
      stopListening = this.onClose(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    stopListening?.();
    if (this.#closed) {
      throw clientClosed();
    }
  }
}

function clientClosed(): ConnectionError {
  return new ConnectionError("client_closed", "the client was closed");
}

/**
 * Waits for `promise`, or rejects with the signal's reason; what is waited for goes on. It takes as long with a signal as
 * without one: calls are sent in the order in which they are made.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let abort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      promise.then(resolve, reject);
      abort = () => reject(signal!.reason);
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) {
        abort();
      }
    });
  } finally {
    signal?.removeEventListener("abort", abort!);
  }
}
