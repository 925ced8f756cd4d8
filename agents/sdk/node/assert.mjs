// node:assert. Comparisons are strict throughout, those of the legacy mode as well, which nobody should use.

import { isDeepStrictEqual } from "./util-equal.mjs";
import { inspect } from "./util.mjs";

export class AssertionError extends Error {
  constructor({ message, actual, expected, operator = "fail" }) {
    super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)} does not hold`);
    Object.assign(this, { name: "AssertionError", code: "ERR_ASSERTION", actual, expected, operator, generatedMessage: message === undefined });
  }
}

function check(holds, message, actual, expected, operator) {
  if (holds) return;
  throw message instanceof Error ? message : new AssertionError({ message, actual, expected, operator });
}

export const ok = (value, message) => check(value, message, value, true, "==");
export const equal = (actual, expected, message) => check(Object.is(actual, expected), message, actual, expected, "strictEqual");
export const notEqual = (actual, expected, message) => check(!Object.is(actual, expected), message, actual, expected, "notStrictEqual");
export const deepEqual = (actual, expected, message) => check(isDeepStrictEqual(actual, expected), message, actual, expected, "deepStrictEqual");
export const notDeepEqual = (actual, expected, message) => check(!isDeepStrictEqual(actual, expected), message, actual, expected, "notDeepStrictEqual");
export const match = (text, pattern, message) => check(pattern.test(text), message, text, pattern, "match");
export const doesNotMatch = (text, pattern, message) => check(!pattern.test(text), message, text, pattern, "doesNotMatch");

export function fail(message = "Failed") {
  check(false, message, undefined, undefined, "fail");
}

export function ifError(value) {
  if (value != null) throw value instanceof Error ? value : new AssertionError({ message: `ifError got unwanted exception: ${inspect(value)}` });
}

/** Whether an error is the expected one: of a class, with a text, with members, or as a function says. */
function isExpected(error, expected) {
  if (expected === undefined || typeof expected === "string") return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected === "function") return expected.prototype !== undefined && error instanceof expected ? true : Error.isPrototypeOf(expected) ? false : expected(error) === true;
  return Object.entries(expected).every(([name, value]) => (value instanceof RegExp ? value.test(error?.[name]) : isDeepStrictEqual(error?.[name], value)));
}

function checkError(error, expected, message) {
  if (!isExpected(error, expected)) throw message || !(error instanceof Error) ? new AssertionError({ message, actual: error, expected, operator: "throws" }) : error;
}

export function throws(run, expected, message) {
  try {
    run();
  } catch (error) {
    checkError(error, expected, message);
    return;
  }
  throw new AssertionError({ message: typeof expected === "string" ? expected : (message ?? "Missing expected exception."), expected, operator: "throws" });
}

export function doesNotThrow(run) {
  run();
}

export async function rejects(promise, expected, message) {
  try {
    await (typeof promise === "function" ? promise() : promise);
  } catch (error) {
    checkError(error, expected, message);
    return;
  }
  throw new AssertionError({ message: typeof expected === "string" ? expected : (message ?? "Missing expected rejection."), expected, operator: "rejects" });
}

export async function doesNotReject(promise) {
  await (typeof promise === "function" ? promise() : promise);
}

function assert(value, message) {
  ok(value, message);
}
Object.assign(assert, {
  AssertionError, deepEqual, deepStrictEqual: deepEqual, doesNotMatch, doesNotReject, doesNotThrow, equal, fail, ifError, match, notDeepEqual,
  notDeepStrictEqual: notDeepEqual, notEqual, notStrictEqual: notEqual, ok, rejects, strict: assert, strictEqual: equal, throws,
});
export { assert as strict, deepEqual as deepStrictEqual, equal as strictEqual, notDeepEqual as notDeepStrictEqual, notEqual as notStrictEqual };
export default assert;
