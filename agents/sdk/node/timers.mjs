// node:timers: the loop's timers as Node's objects. Nothing waits for a timer alone, so `ref` and `unref` have nothing to do.

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
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  refresh() {
    engine.clear(this.#id);
    this.#id = this.#start();
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

export const setTimeout = (callback, delay, ...args) => new Timeout(() => engine.setTimeout(callback, delay, ...args));
export const setInterval = (callback, delay, ...args) => new Timeout(() => engine.setInterval(callback, delay, ...args));
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
