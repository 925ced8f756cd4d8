// The event loop of a SpiderMonkey guest: everything it waits for, in one wasi:io/poll.
//
// The engine has a loop of its own, but one that knows nothing of stdin: an agent would have to look at it every few
// milliseconds. So timers (and fetch.mjs) are made anew here on pollables, and the engine's loop is only used to run
// what is ready. While nothing is, the whole guest is suspended in the host.

import { poll } from "wasi:io/poll@0.2.12";
import { now, subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { isLive } from "./live.mjs";

const engineTimeout = globalThis.setTimeout;
const waiting = new Map(); // pollable -> functions to call when it is ready
const idle = new Map(); // pollable -> whether somebody would miss what comes of it, where that can change
const timers = new Map(); // id -> timer
let lastTimer = 0;

/**
 * Resolves when the pollable is ready. The caller keeps the pollable, and may wait for it again.
 *
 * @param {() => boolean} [wanted] whether a program goes on for its sake: see runToEnd
 */
export function ready(pollable, wanted) {
  if (wanted) idle.set(pollable, wanted);
  return new Promise((resolve) => {
    const resolvers = waiting.get(pollable);
    if (resolvers) resolvers.push(resolve);
    else waiting.set(pollable, [resolve]);
  });
}

/** Nobody will wait for the pollable any more: to be called before it is disposed of. Its waiters go on. */
export function forget(pollable) {
  const resolvers = waiting.get(pollable) ?? [];
  waiting.delete(pollable);
  idle.delete(pollable);
  for (const resolve of resolvers) resolve();
}

function startTimer(callback, delay, args, interval) {
  const id = ++lastTimer;
  const ns = Math.max(interval ? 1 : 0, Number(delay) || 0) * 1e6;
  timers.set(id, { callback, args, due: time() + ns, interval: interval ? ns : 0, wanted: true });
  return id;
}

/** Whether a program goes on for the sake of a timer: see runToEnd. */
export function wantTimer(id, wanted) {
  if (timers.has(id)) timers.get(id).wanted = wanted;
}

export const timerIsWanted = (id) => timers.get(id)?.wanted ?? false;

/** Monotonic nanoseconds. Time stands still while the agent is built. */
function time() {
  return isLive() ? Number(now()) : 0;
}

/** Puts timers that this loop serves in place of the engine's. */
export function installTimers() {
  globalThis.setTimeout = (callback, delay, ...args) => startTimer(callback, delay, args, false);
  globalThis.setInterval = (callback, delay, ...args) => startTimer(callback, delay, args, true);
  globalThis.clearTimeout = globalThis.clearInterval = (id) => void timers.delete(id);
}

/** Lets the engine run all promise reactions that are due: it does so before it comes to a timer. */
function settle() {
  return new Promise((resolve) => engineTimeout(resolve, 0));
}

function runTimers(call) {
  if (!timers.size) return;
  const current = time();
  const due = [...timers].filter(([, timer]) => timer.due <= current).sort(([, a], [, b]) => a.due - b.due);
  for (const [id, timer] of due) {
    if (!timers.has(id)) continue; // an earlier one took it away
    if (timer.interval) timer.due = current + timer.interval;
    else timers.delete(id);
    call(timer);
  }
}

const callTimer = (timer) => timer.callback(...timer.args);

function waitOnce() {
  const pollables = [...waiting.keys()];
  let timer;
  if (timers.size) {
    const next = Math.min(...[...timers.values()].map(({ due }) => due));
    timer = subscribeDuration(BigInt(Math.max(0, Math.ceil(next - time()))));
    pollables.push(timer);
  }
  if (!pollables.length) throw new Error("The agent waits for something that cannot happen");
  const which = poll(pollables);
  timer?.[Symbol.dispose]();
  for (const index of which) {
    if (pollables[index] !== timer) forget(pollables[index]);
  }
}

/** Runs until the promise settles, and returns what it does. */
export async function runUntil(promise) {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (;;) {
    await settle();
    if (settled) return promise;
    waitOnce();
    runTimers(callTimer);
  }
}

/** Whether something can still happen that the program goes on for. */
function isWanted() {
  for (const { wanted } of timers.values()) if (wanted) return true;
  for (const pollable of waiting.keys()) if (idle.get(pollable)?.() ?? true) return true;
  return false;
}

/**
 * Runs until nothing is left to be waited for.
 *
 * @param {() => boolean} settled is called whenever all promise reactions have run: whether it has set off others
 * @param {(callback: () => void) => void} guard calls what a timer is to call
 * @param {() => void} ending is called when nothing is left, and may begin something
 */
export async function runToEnd(settled, guard, ending) {
  const rest = async () => {
    do await settle();
    while (settled());
  };
  for (;;) {
    await rest();
    if (!isWanted()) {
      ending();
      await rest();
      if (!isWanted()) return;
    }
    waitOnce();
    runTimers((timer) => guard(() => callTimer(timer)));
  }
}
