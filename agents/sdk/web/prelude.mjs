// To be imported before anything else: globals that libraries expect, fit for pre-initialisation.
//
// The top level of an agent runs once, while it is built; the heap as it is then is what every session starts from.
// Randomness and clocks do not exist yet, so until `goLive` they are stand-ins: what libraries draw at import time (ids
// of caches and the like) is the same in all sessions, and must not be secret.

import { getEnvironment } from "wasi:cli/environment@0.2.12";
import { fetch } from "./fetch.mjs";
import { setLive } from "./live.mjs";
import { installTimers } from "./loop.mjs";

const real = {
  random: Math.random,
  getRandomValues: crypto.getRandomValues.bind(crypto),
  randomUUID: crypto.randomUUID.bind(crypto),
};

let seed = 1;
/** The minimal standard generator: good enough to be told apart, and nothing more. */
function standIn() {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
}

Math.random = standIn;
crypto.getRandomValues = (array) => array.map(() => standIn() * 256);
crypto.randomUUID = () => `00000000-0000-4000-8000-${Math.floor(standIn() * 2 ** 40).toString(16).padStart(12, "0")}`;

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define("performance", { now: () => Date.now(), timeOrigin: 0, mark() {}, measure() {} });
define("global", globalThis);
define("navigator", { userAgent: "wasi" });
define("process", {
  env: {},
  versions: {},
  platform: "wasi",
  cwd: () => "/",
  nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)),
});

installTimers();
define("fetch", fetch);

/** The first thing to do in `run`: from here on there is a host, with randomness, time and an environment. */
export function goLive() {
  setLive();
  Math.random = real.random;
  crypto.getRandomValues = real.getRandomValues;
  crypto.randomUUID = real.randomUUID;
  Object.assign(process.env, Object.fromEntries(getEnvironment()));
}
