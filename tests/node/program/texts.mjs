// util, assert, querystring, async_hooks

import assert, { AssertionError } from "node:assert";
import { AsyncLocalStorage } from "node:async_hooks";
import querystring from "node:querystring";
import util from "node:util";

export async function test_util() {
  assert.equal(util.format("%s %d %j %o", "a", 4, { b: 1 }, [1]), "a 4 {\"b\":1} [ 1, [length]: 1 ]");
  assert.equal(util.inspect({ a: { b: { c: { d: 1 } } }, list: [1, "two"], map: new Map([["k", 1]]) }), "{\n  a: { b: { c: [Object] } },\n  list: [ 1, 'two' ],\n  map: Map(1) { 'k' => 1 }\n}");
  assert.equal(util.stripVTControlCharacters("\x1b[31mred\x1b[39m"), "red");
  assert.equal(util.styleText("red", "x"), "\x1b[31mx\x1b[39m");
  assert.equal(await util.promisify((value, callback) => callback(null, value + 1))(1), 2);
  await assert.rejects(util.promisify((callback) => callback(new Error("no")))(), /no/);
  assert.deepEqual(await new Promise((resolve) => util.callbackify(async (value) => value)(3, (...all) => resolve(all))), [null, 3]);
  assert.ok(util.isDeepStrictEqual({ a: [1, new Set([{ b: 2 }])] }, { a: [1, new Set([{ b: 2 }])] }));
  assert.ok(!util.isDeepStrictEqual([1, 2], [2, 1]) && !util.isDeepStrictEqual({ a: undefined }, {}) && !util.isDeepStrictEqual(0, -0));
  const [one, two] = [{}, {}];
  one.self = one;
  two.self = two;
  assert.ok(util.isDeepStrictEqual(one, two));
  assert.ok(util.types.isPromise(Promise.resolve()) && util.types.isAsyncFunction(async () => {}) && util.types.isUint8Array(Buffer.alloc(1)));
  function Old() {}
  function Above() {}
  Above.prototype.name = "above";
  util.inherits(Old, Above);
  assert.equal(new Old().name, "above");
}

export async function test_assert() {
  assert.throws(() => assert.deepStrictEqual({ a: 1 }, { a: 2 }), AssertionError);
  assert.throws(() => assert.equal(1, 2, "not the same"), { message: "not the same", code: "ERR_ASSERTION", actual: 1, expected: 2 });
  assert.throws(() => assert.throws(() => {}), /Missing expected exception/);
  assert.throws(() => assert.throws(() => { throw new TypeError("t"); }, RangeError), TypeError);
  await assert.rejects(assert.rejects(Promise.resolve()), /Missing expected rejection/);
  assert.throws(() => assert(0));
  assert.strict.equal(NaN, NaN);
}

/** The engine has no tables of Unicode: the bundler spells such classes out. */
export function test_unicode_classes() {
  assert.ok(/^\p{Lu}\p{Ll}+$/u.test("Äpfel") && !/\p{L}/u.test("1 €"));
  assert.ok(/^[\p{L}--[a-z]]$/v.test("ä") && !/^[\p{L}--[a-z]]$/v.test("a"));
}

export function test_querystring() {
  assert.deepEqual({ ...querystring.parse("a=1&b=%C3%A4&a=2") }, { a: ["1", "2"], b: "ä" });
  assert.equal(querystring.stringify({ a: [1, 2], b: "ä" }), "a=1&a=2&b=%C3%A4");
}

export function test_async_hooks() {
  const storage = new AsyncLocalStorage();
  assert.equal(storage.run(3, () => storage.getStore()), 3);
  assert.equal(storage.getStore(), undefined);
}
