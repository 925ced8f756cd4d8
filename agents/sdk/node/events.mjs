// node:events: the npm package, and what Node has added since.

import EventEmitter from "events/events.js";

const { once: onceOf } = EventEmitter;

export const errorMonitor = Symbol("events.errorMonitor");
export const captureRejectionSymbol = Symbol.for("nodejs.rejection");
export const captureRejections = false;
export const defaultMaxListeners = EventEmitter.defaultMaxListeners;

const { emit } = EventEmitter.prototype;
EventEmitter.prototype.emit = function (name, ...args) {
  if (name === "error" && this.listenerCount(errorMonitor)) emit.call(this, errorMonitor, ...args);
  return emit.call(this, name, ...args);
};

const abortError = (signal) => Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" });

export async function once(emitter, name, { signal } = {}) {
  if (!signal) return onceOf(emitter, name);
  if (signal.aborted) throw abortError(signal);
  let onAbort;
  const aborted = new Promise((_, reject) => (onAbort = () => reject(abortError(signal))));
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([onceOf(emitter, name), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The events of a name, one after another. */
export async function* on(emitter, name, { signal } = {}) {
  const events = [];
  let failure;
  let wake = () => {};
  const onEvent = (...args) => {
    events.push(args);
    wake();
  };
  const onError = (error) => {
    failure = error;
    wake();
  };
  const onAbort = () => onError(abortError(signal));
  if (signal?.aborted) throw abortError(signal);
  emitter.on(name, onEvent);
  if (name !== "error") emitter.on("error", onError);
  signal?.addEventListener("abort", onAbort);
  try {
    for (;;) {
      while (events.length) yield events.shift();
      if (failure) throw failure;
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    emitter.off(name, onEvent);
    emitter.off("error", onError);
    signal?.removeEventListener("abort", onAbort);
  }
}

export const listenerCount = (emitter, name) => emitter.listenerCount(name);
export const getEventListeners = (emitter, name) => emitter.listeners?.(name) ?? [];
export const getMaxListeners = (emitter) => emitter.getMaxListeners?.() ?? defaultMaxListeners;

export function setMaxListeners(count = defaultMaxListeners, ...emitters) {
  if (!emitters.length) EventEmitter.defaultMaxListeners = count;
  for (const emitter of emitters) emitter.setMaxListeners?.(count);
}

export function addAbortListener(signal, listener) {
  if (signal.aborted) queueMicrotask(listener);
  else signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose ?? Symbol.for("dispose")]: () => signal.removeEventListener("abort", listener) };
}

export class EventEmitterAsyncResource extends EventEmitter {}

Object.assign(EventEmitter, {
  EventEmitter, EventEmitterAsyncResource, errorMonitor, captureRejectionSymbol, captureRejections, once, on, listenerCount,
  getEventListeners, getMaxListeners, setMaxListeners, addAbortListener,
});
export { EventEmitter };
export default EventEmitter;
