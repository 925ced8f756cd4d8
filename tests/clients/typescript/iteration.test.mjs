// `for await` over a session's events, and stacks; against the daemon at $TORPOR_SOCKET, and over scripted connections.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after, beforeEach, afterEach, test } from "node:test";
import { Hold } from "../../../clients/typescript/dist/hold.js";
import { createClient } from "../../../clients/typescript/dist/index.js";
import { iterateEvents } from "../../../clients/typescript/dist/iteration.js";

const client = createClient();
after(() => client.close());
let count = 0;
let agent;

beforeEach(() => {
  agent = client.vm.getOrCreate(["iteration-ts", String(count++)]);
});
afterEach(() => agent.destroy());

test("the events of a session, from any point, until the session is destroyed", async () => {
  const session = await agent.createSession("echo");
  await agent.sendPrompt(session.sessionId, "stream 3");
  const events = await agent.getSessionEvents(session.sessionId);
  const seen = [];
  for await (const { seq } of session.events()) {
    seen.push(seq);
    if (seen.length === events.length) break;
  }
  assert.deepEqual(seen, events.map(({ seq }) => seq));

  const rest = agent.events(session.sessionId, { after: events.at(-1).seq });
  const next = rest.next();
  await agent.sendPrompt(session.sessionId, "say more");
  assert.equal((await next).value.seq, events.at(-1).seq + 1);
  await agent.destroySession(session.sessionId);
  for await (const { seq } of rest) assert.ok(seq > events.at(-1).seq);
  await assert.rejects(rest.next.call(agent.events("none")), { code: "session_not_found" });
});

test("what was answered of a session is plain data", async () => {
  const session = await agent.createSession("echo");
  assert.ok(!Object.keys(session).includes("events"));
  assert.equal(JSON.parse(JSON.stringify(session)).sessionId, session.sessionId);
});

test("a slow program has nothing pile up, and misses nothing", async () => {
  const last = 30_000;
  const opened = [];
  /** Tells all events after `after` at once, as a replay would. */
  const open = (position) => {
    opened.push(position);
    const conn = new EventEmitter();
    let closed = false;
    conn.unref = () => conn;
    conn.close = () => {
      if (!closed) {
        closed = true;
        conn.emit("close", undefined);
      }
    };
    queueMicrotask(() => {
      for (let seq = position + 1; seq <= last && !closed; seq += 1) conn.emit("sessionEvent", { seq });
    });
    return conn;
  };
  let expected = 0;
  for await (const { seq } of iterateEvents(open, new Hold(), -1)) {
    assert.equal(seq, expected++);
    if (seq === last) break;
  }
  assert.deepEqual(opened, [-1, 9_999, 19_999, 29_999]);
});

test("an error's stack begins where the call was made", async () => {
  await assert.rejects(agent.getSession("none"), ({ stack }) => {
    const [head, ...frames] = stack.split("\n");
    assert.match(head, /^TorporError: /);
    assert.ok(frames.slice(0, 2).some((frame) => frame.includes("iteration.test.mjs")), stack);
    return true;
  });
  await assert.rejects(client.call("vm.get", { vm: "none" }), ({ stack }) =>
    stack.split("\n")[1].includes("iteration.test.mjs"),
  );
});

test("a client and a connection may be used with `await using`", async () => {
  const own = createClient();
  const conn = own.vm.getOrCreate(agent.name).connect();
  await conn.ready();
  await conn[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
  await assert.rejects(own.hello(), { code: "client_closed" });
});
