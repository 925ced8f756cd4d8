// node:readline: lines of a stream. There is no editing of lines: what is a terminal does that itself.

import { absent } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";
import { StringDecoder } from "./string_decoder.mjs";

const LINE_END = /\r\n|\n|\r(?!$)/;

export class Interface extends EventEmitter {
  #decoder = new StringDecoder("utf8");
  #rest = "";
  #prompt;
  #answer;
  closed = false;
  terminal = false;
  line = "";

  constructor(input, output) {
    super();
    const options = input?.input || input?.output ? input : { input, output };
    Object.assign(this, { input: options.input, output: options.output });
    this.#prompt = options.prompt ?? "> ";
    this.onData = (chunk) => this.#take(typeof chunk === "string" ? chunk : this.#decoder.write(chunk));
    this.onEnd = () => {
      this.#take(this.#decoder.end());
      if (this.#rest) this.#line(this.#rest.replace(/\r$/, ""));
      this.#rest = "";
      this.close();
    };
    this.input?.on("data", this.onData);
    this.input?.on("end", this.onEnd);
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  #take(text) {
    const lines = (this.#rest + text).split(LINE_END);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }
  #line(line) {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer) answer(line);
    else this.emit("line", line);
  }
  setPrompt(prompt) {
    this.#prompt = prompt;
  }
  getPrompt() {
    return this.#prompt;
  }
  prompt() {
    this.output?.write(this.#prompt);
  }
  question(query, options, callback = options) {
    this.output?.write(query);
    this.#answer = callback;
  }
  write(text) {
    if (text) this.#take(text);
  }
  pause() {
    this.input?.pause();
    this.emit("pause");
    return this;
  }
  resume() {
    this.input?.resume();
    this.emit("resume");
    return this;
  }
  close() {
    if (this.closed) return;
    this.closed = true;
    this.input?.off("data", this.onData);
    this.input?.off("end", this.onEnd);
    this.input?.pause();
    this.emit("close");
  }
  async *[Symbol.asyncIterator]() {
    const lines = [];
    let wake = () => {};
    const onLine = (line) => {
      lines.push(line);
      wake();
    };
    this.on("line", onLine);
    this.once("close", () => wake());
    try {
      for (;;) {
        while (lines.length) yield lines.shift();
        if (this.closed) return;
        await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      this.off("line", onLine);
      this.close();
    }
  }
  [Symbol.dispose ?? Symbol.for("dispose")]() {
    this.close();
  }
}

export const createInterface = (...args) => new Interface(...args);

const escape = (stream, codes, callback) => {
  callback?.();
  return stream?.write(codes) ?? true;
};
export const clearLine = (stream, direction, callback) => escape(stream, `\x1b[${direction < 0 ? 1 : direction > 0 ? 0 : 2}K`, callback);
export const clearScreenDown = (stream, callback) => escape(stream, "\x1b[0J", callback);
export const cursorTo = (stream, x, y, callback) => escape(stream, typeof y === "number" ? `\x1b[${y + 1};${x + 1}H` : `\x1b[${x + 1}G`, typeof y === "function" ? y : callback);
export const moveCursor = (stream, dx, dy, callback) => {
  const across = dx < 0 ? `\x1b[${-dx}D` : dx > 0 ? `\x1b[${dx}C` : "";
  const down = dy < 0 ? `\x1b[${-dy}A` : dy > 0 ? `\x1b[${dy}B` : "";
  return escape(stream, across + down, callback);
};
export const emitKeypressEvents = absent("readline.emitKeypressEvents");

class PromiseInterface extends Interface {
  question(query, options) {
    return new Promise((resolve) => super.question(query, options, resolve));
  }
}
export const promises = { Interface: PromiseInterface, createInterface: (...args) => new PromiseInterface(...args) };

export default { Interface, createInterface, clearLine, clearScreenDown, cursorTo, moveCursor, emitKeypressEvents, promises };
