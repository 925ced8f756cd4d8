// node:timers: the loop's timers as Node's objects. An agent goes on for what its `run` waits for; a program that runs to its end
// also for timers, but for those that are unref'd.

import { timerIsWanted, wantTimer } from "../web/loop.mjs";
import { argumentError } from "./errors.mjs";

const engine = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clear: globalThis.clearTimeout,
};

class Timeout {
  #start;
  #id;

  constructor(start) {
    this.#start = start;
    this.#id = start();
  }
  ref() {
    wantTimer(this.#id, true);
    return this;
  }
  unref() {
    wantTimer(this.#id, false);
    return this;
  }
  hasRef() {
    return timerIsWanted(this.#id);
  }
  refresh() {
    const wanted = this.hasRef();
    engine.clear(this.#id);
    this.#id = this.#start();
    wantTimer(this.#id, wanted);
    return this;
  }
  close() {
    engine.clear(this.#id);
    return this;
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
}
Timeout.prototype[Symbol.dispose ?? Symbol.for("dispose")] = Timeout.prototype.close;

function checked(callback) {
  if (typeof callback === "function") return callback;
  throw argumentError("callback", "of type function", callback);
}

export const setTimeout = (callback, delay, ...args) => new Timeout(() => engine.setTimeout(checked(callback), delay, ...args));
export const setInterval = (callback, delay, ...args) => new Timeout(() => engine.setInterval(checked(callback), delay, ...args));
export const setImmediate = (callback, ...args) => setTimeout(callback, 0, ...args);

export function clearTimeout(timer) {
  if (timer instanceof Timeout) timer.close();
  else if (timer != null) engine.clear(Number(timer));
}
export const clearInterval = clearTimeout;
export const clearImmediate = clearTimeout;

/** A promise that a signal can break off. */
function waited(start, value, { signal } = {}) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" }));
    if (signal?.aborted) return fail();
    const onAbort = () => {
      timer.close();
      fail();
    };
    const timer = start(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

export const promises = {
  setTimeout: (delay, value, options) => waited((done) => setTimeout(done, delay), value, options),
  setImmediate: (value, options) => waited((done) => setImmediate(done), value, options),
  async *setInterval(delay, value, options) {
    for (;;) yield promises.setTimeout(delay, value, options);
  },
  scheduler: { wait: (delay, options) => promises.setTimeout(delay, undefined, options), yield: () => promises.setImmediate() },
};

const custom = Symbol.for("nodejs.util.promisify.custom");
setTimeout[custom] = promises.setTimeout;
setImmediate[custom] = promises.setImmediate;

export default { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises };
