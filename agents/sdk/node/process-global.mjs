// The object that `process` is, before process.mjs has made it whole: what that is made of needs it.

const ticks = []; // [callback, arguments], which come before promise reactions wherever the program's own code has ended
let report = (error) => {
  throw error;
};

/** Who hears of errors that nobody catches. */
export const onUncaught = (told) => void (report = told);

/** Calls something, and reports what it throws. */
export function guard(callback) {
  try {
    callback();
  } catch (error) {
    report(error);
  }
}

/** Calls what nextTick was given, and what that gives it. */
export function runTicks() {
  for (let tick; (tick = ticks.shift()); ) guard(() => tick[0](...tick[1]));
}

export function nextTick(callback, ...args) {
  if (typeof callback !== "function") throw Object.assign(new TypeError('The "callback" argument must be of type function.'), { code: "ERR_INVALID_ARG_TYPE" });
  if (ticks.push([callback, args]) === 1) engineMicrotask(runTicks);
}

const engineMicrotask = globalThis.queueMicrotask;
globalThis.process.nextTick = nextTick;
export default globalThis.process;
