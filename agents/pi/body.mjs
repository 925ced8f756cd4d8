// The body of an HTTP answer, which may be anything: the kind is told from its first bytes, whatever its content type says.

import { ModelError } from "./failure.mjs";
import { pause } from "./retry.mjs";

/** How long a server may keep a stream open that has said all. One that has ended leaves its connection for the next request. */
const LAST_BYTES_MS = 1000;

export class Body {
  #reader;
  #ahead; // a chunk that was read to see what it is

  /** @param {ReadableStream | null} stream null for an answer without a body */
  constructor(stream) {
    this.#reader = stream?.getReader();
  }

  /** The next bytes, or undefined at the end. Throws ModelError if the connection breaks. */
  async read() {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead || !this.#reader) return ahead;
    try {
      return (await this.#reader.read()).value;
    } catch (error) {
      throw new ModelError(`the model's answer broke off: ${error.message}`, { transient: true });
    }
  }

  /** The first character that is no space, or undefined if there is none. */
  async peek() {
    for (let bytes; (bytes = await this.read()); ) {
      const first = bytes.find((byte) => byte > 0x20);
      if (first === undefined) continue;
      this.#ahead = bytes;
      return String.fromCharCode(first);
    }
    return undefined;
  }

  /** What was peeked at, as text. */
  get beginning() {
    return new TextDecoder().decode(this.#ahead ?? new Uint8Array());
  }

  /** All of it as text, or a little more than `limit` characters. */
  async text(limit) {
    const decoder = new TextDecoder();
    let text = "";
    for (let bytes; text.length <= limit && (bytes = await this.read()); ) text += decoder.decode(bytes, { stream: true });
    return text + decoder.decode();
  }

  /** Nobody will read the rest. Does not wait for its end, and does not throw. */
  leave() {
    const end = async () => {
      while (await this.read());
    };
    Promise.race([end(), pause(LAST_BYTES_MS)])
      .catch(() => {}) // broken, or cancelled with the turn
      .then(() => this.#reader?.cancel())
      .catch(() => {});
  }
}
