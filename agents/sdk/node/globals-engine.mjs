// What the guest's SpiderMonkey has not, though programs for Node take it for granted. It is built without ICU, so that there is no
// Intl and no normal form of text, and without threads.

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

/** Characters, which is what most callers want of a segmenter; not what Unicode calls a grapheme. */
class Segmenter {
  segment(input) {
    return {
      *[Symbol.iterator]() {
        let index = 0;
        for (const segment of input) {
          yield { segment, index, input, isWordLike: /\w/.test(segment) };
          index += segment.length;
        }
      },
    };
  }
}

class DateTimeFormat {
  format(date = Date.now()) {
    return new Date(date).toISOString();
  }
  resolvedOptions() {
    return { locale: "en-US", timeZone: "UTC" };
  }
}

class NumberFormat {
  format(number) {
    return String(number);
  }
}

class Collator {
  compare(a, b) {
    return a < b ? -1 : a > b ? 1 : 0;
  }
}

class PluralRules {
  select(count) {
    return count === 1 ? "one" : "other";
  }
}

/** Keeps what it refers to: the engine is built without weak references. */
class WeakRef {
  #target;
  constructor(target) {
    this.#target = target;
  }
  deref() {
    return this.#target;
  }
}

/** Is never called back, as the language allows. */
class FinalizationRegistry {
  register() {}
  unregister() {
    return false;
  }
}

class MessagePort extends EventTarget {
  postMessage(data) {
    setTimeout(() => {
      const event = Object.assign(new Event("message"), { data });
      this.other.onmessage?.(event);
      this.other.dispatchEvent(event);
    }, 0);
  }
  start() {}
  close() {}
  ref() {}
  unref() {}
}

class MessageChannel {
  port1 = new MessagePort();
  port2 = new MessagePort();
  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

for (const [name, value] of Object.entries({ FinalizationRegistry, MessageChannel, MessagePort, WeakRef })) {
  if (!globalThis[name]) define(name, value);
}
if (!globalThis.Atomics) define("Atomics", {});
if (!globalThis.Intl) define("Intl", { Segmenter, DateTimeFormat, NumberFormat, Collator, PluralRules });

if (!URL.canParse) {
  URL.parse = (url, base) => {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  };
  URL.canParse = (url, base) => URL.parse(url, base) !== null;
}

if (!String.prototype.normalize) {
  // The text as it is: right for what is composed already, which nearly all text is.
  Object.defineProperty(String.prototype, "normalize", { value() { return String(this); }, configurable: true, writable: true });
}

// The engine's wants a reason.
const { abort } = AbortSignal;
AbortSignal.abort = (reason = new DOMException("This operation was aborted", "AbortError")) => abort.call(AbortSignal, reason);

// The engine's waits in the engine's own loop, which nobody runs: see web/loop.mjs.
AbortSignal.timeout = (ms) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("The operation timed out", "TimeoutError")), ms);
  return controller.signal;
};

if (!AbortSignal.any) {
  AbortSignal.any = (signals) => {
    const controller = new AbortController();
    for (const signal of signals) {
      if (signal.aborted) controller.abort(signal.reason);
      else signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
    }
    return controller.signal;
  };
}
