// node:console, and the global one.

import { table } from "./console-table.mjs";
import { format, inspect } from "./util.mjs";

export class Console {
  #out;
  #error;
  #indent = "";
  #counts = new Map();
  #times = new Map();

  constructor(out, error = out) {
    this.#out = out.stdout ?? out;
    this.#error = out.stderr ?? error;
    // Callers pass its methods on.
    for (const name of Object.getOwnPropertyNames(Console.prototype)) if (name !== "constructor") this[name] = this[name].bind(this);
    Object.assign(this, { info: this.log, debug: this.log, error: this.warn, dirxml: this.log });
  }

  #write(stream, args) {
    stream.write(format(...args).replace(/^/gm, this.#indent) + "\n");
  }
  log(...args) {
    this.#write(this.#out, args);
  }
  warn(...args) {
    this.#write(this.#error, args);
  }
  trace(...args) {
    const { stack } = new Error();
    this.warn(`Trace: ${format(...args)}\n${stack}`);
  }
  dir(value, options) {
    this.log(inspect(value, { customInspect: false, ...options }));
  }
  table(rows, columns) {
    this.log(table(rows, columns) ?? rows);
  }
  assert(holds, ...args) {
    if (!holds) this.warn(`Assertion failed${args.length ? ": " : ""}${format(...args)}`);
  }
  count(label = "default") {
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
    this.log(`${label}: ${this.#counts.get(label)}`);
  }
  countReset(label = "default") {
    this.#counts.delete(label);
  }
  group(...args) {
    if (args.length) this.log(...args);
    this.#indent += "  ";
  }
  groupEnd() {
    this.#indent = this.#indent.slice(2);
  }
  time(label = "default") {
    this.#times.set(label, process.hrtime.bigint());
  }
  timeLog(label = "default", ...args) {
    const started = this.#times.get(label);
    if (started !== undefined) this.log(`${label}: ${Number(process.hrtime.bigint() - started) / 1e6}ms`, ...args);
  }
  timeEnd(label = "default") {
    this.timeLog(label);
    this.#times.delete(label);
  }
}

export default new Proxy({ Console }, { get: (own, name) => own[name] ?? globalThis.console[name] });
