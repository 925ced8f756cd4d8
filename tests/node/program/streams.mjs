// events, stream, readline, timers

import assert from "node:assert/strict";
import EventEmitter, { errorMonitor, getEventListeners, on, once } from "node:events";
import readline from "node:readline";
import { createInterface } from "node:readline/promises";
import { buffer, json, text } from "node:stream/consumers";
import { finished, pipeline } from "node:stream/promises";
import { Duplex, duplexPair, PassThrough, Readable, Transform, Writable } from "node:stream";
import { setTimeout as later } from "node:timers/promises";
import timers from "node:timers";

export async function test_events() {
  class Own extends EventEmitter {}
  const emitter = new Own();
  const seen = [];
  emitter.once("a", (value) => seen.push(["once", value]));
  emitter.prependListener("a", (value) => seen.push(["first", value]));
  emitter.emit("a", 1);
  emitter.emit("a", 2);
  assert.deepEqual(seen, [["first", 1], ["once", 1], ["first", 2]]);
  assert.equal(getEventListeners(emitter, "a").length, 1);
  assert.throws(() => emitter.emit("error", new Error("unheard")), /unheard/);
  emitter.on(errorMonitor, (error) => seen.push(error.message));
  assert.throws(() => emitter.emit("error", new Error("seen")), /seen/);
  assert.equal(seen.at(-1), "seen");
  setTimeout(() => emitter.emit("b", 7), 1);
  assert.deepEqual(await once(emitter, "b"), [7]);
  await assert.rejects(once(emitter, "b", { signal: AbortSignal.abort() }), { name: "AbortError" });
  setTimeout(() => ["x", "y"].forEach((value) => emitter.emit("c", value)), 1);
  const values = [];
  for await (const [value] of on(emitter, "c")) {
    values.push(value);
    if (values.length === 2) break;
  }
  assert.deepEqual(values, ["x", "y"]);
  assert.equal(emitter.listenerCount("c"), 0);
}

export async function test_stream() {
  const upper = new Transform({ transform: (chunk, _encoding, callback) => callback(null, String(chunk).toUpperCase()) });
  const parts = [];
  const sink = new Writable({ write: (chunk, _encoding, callback) => (parts.push(String(chunk)), setImmediate(callback)) });
  await pipeline(Readable.from(["a", "b"]), upper, sink);
  assert.equal(parts.join(""), "AB");
  await assert.rejects(pipeline(Readable.from(["a"]), new PassThrough({ transform: (_chunk, _encoding, callback) => callback(new Error("broken")) })), /broken/);
  assert.equal(await text(Readable.from([Buffer.from("zw"), Buffer.from("ölf")])), "zwölf");
  assert.deepEqual(await json(Readable.from(["[1,", "2]"])), [1, 2]);
  const web = Readable.toWeb(Readable.from([Buffer.from("web")]));
  assert.equal((await buffer(Readable.fromWeb(web))).toString(), "web");
  const kept = [];
  const out = Writable.fromWeb(new WritableStream({ write: (chunk) => void kept.push(String(chunk)) }));
  out.end("kept");
  await finished(out);
  assert.deepEqual(kept, ["kept"]);
  const [one, two] = duplexPair();
  one.end("ping");
  assert.equal(await text(two), "ping");
  assert.ok(one instanceof Duplex && new PassThrough() instanceof Readable);
  const paused = new Readable({ read() {} });
  assert.equal(paused.push("x".repeat(100_000)), false);
  const stopped = new Readable({ read() {} });
  stopped.destroy(new Error("why"));
  await assert.rejects(finished(stopped), /why/);
}

export async function test_readline() {
  const lines = [];
  for await (const line of readline.createInterface({ input: Readable.from([Buffer.from("one\r\ntw"), Buffer.from("o\n\nzw\u00f6lf")]) })) lines.push(line);
  assert.deepEqual(lines, ["one", "two", "", "zwölf"]);
  const input = new PassThrough();
  const output = new PassThrough();
  const asked = createInterface({ input, output });
  const answer = asked.question("name? ");
  input.write("Ada\n");
  assert.equal(await answer, "Ada");
  assert.equal(String(output.read()), "name? ");
  asked.close();
}

export async function test_timers() {
  const order = [];
  setTimeout(() => order.push("later"), 20);
  const dropped = setTimeout(() => order.push("never"), 1);
  clearTimeout(dropped);
  setImmediate((value) => order.push(value), "immediate");
  process.nextTick((value) => order.push(value), "tick");
  assert.equal(dropped.unref(), dropped);
  assert.equal(await later(30, "value"), "value");
  assert.deepEqual(order, ["tick", "immediate", "later"]);
  let count = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => ++count === 3 && (clearInterval(timer), resolve()), 1);
  });
  assert.equal(count, 3);
  await assert.rejects(later(60_000, 0, { signal: AbortSignal.timeout(1) }), { name: "AbortError" });
  assert.equal(timers.setTimeout, setTimeout);
}
