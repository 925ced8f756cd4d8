/** The client's one connection, made when it is needed, and made anew after it was lost. */

import type { Endpoint } from "./endpoint.js";
import { ConnectionError } from "./errors.js";
import { Peer } from "./peer.js";

export class Link {
  #opening: Promise<Peer> | undefined;
  #peer: Peer | undefined;
  #closed = false;
  readonly #onClose = new Set<() => void>();

  constructor(
    readonly endpoint: Endpoint,
    private readonly timeoutMs: number,
  ) {}

  /** Returns the open connection, connecting if there is none. Rejects as `Peer.open` does. */
  async peer(): Promise<Peer> {
    if (this.#closed) {
      throw new ConnectionError("client_closed", "the client was closed");
    }
    if (this.#peer?.isOpen) {
      return this.#peer;
    }
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** Sends one request. A connection that is lost meanwhile rejects it: whether it was carried out is not known then. */
  async request(method: string, params: object, signal?: AbortSignal): Promise<unknown> {
    const peer = await this.peer();
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
    const peer = await Peer.open(this.endpoint, this.timeoutMs);
    if (this.#closed) {
      peer.close();
      throw new ConnectionError("client_closed", "the client was closed");
    }
    this.#peer = peer;
    return peer;
  }
}
