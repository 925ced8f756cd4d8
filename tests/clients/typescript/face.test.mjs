// The client's face, against the daemon at $TORPOR_SOCKET.

import assert from "node:assert/strict";
import { after, beforeEach, afterEach, test } from "node:test";
import { createClient, Vm } from "../../../clients/typescript/dist/index.js";
import { heard, kind } from "./daemon.mjs";

const client = createClient();
after(() => client.close());
let count = 0;
let agent;

beforeEach(() => {
  agent = client.vm.getOrCreate(["face-ts", String(count++)]);
});
afterEach(() => agent.destroy());

test("there is a method for each of the API's", async () => {
  const { methods } = await client.discover();
  const byHand = new Map([["vm.getOrCreate", "ready"], ["subscribe", "connect"]]);
  const elsewhere = new Set(["vm.import", "serveFiles"]); // the one is of `client.vm`, the other for editors, by `client.call`
  for (const { name, params } of methods) {
    if (!elsewhere.has(name) && params.some((param) => param.name === "vm")) {
      const method = byHand.get(name) ?? name.replace(/^vm\./, "");
      assert.equal(typeof Vm.prototype[method], "function", name);
    }
  }
});

test("the daemon introduces itself", async () => {
  const welcome = await client.hello();
  assert.equal(welcome.protocol, 1);
  assert.equal((await client.status()).epoch, welcome.epoch);
  assert.ok((await client.listAgents()).some(({ id }) => id === "echo"));
});

test("a VM is created by its first use, once", async () => {
  await assert.rejects(client.vm.get(agent.name).get(), { code: "vm_not_found" });
  assert.equal((await agent.get()).state, "asleep");
  assert.equal((await agent.ready()).created, true);
  assert.equal((await client.vm.getOrCreate(agent.name).ready()).created, false);
  assert.ok((await client.vm.list()).some(({ vm }) => String(vm) === String(agent.name)));
});

test("other options for a VM that is there are a conflict", async () => {
  await agent.ready();
  const other = client.vm.getOrCreate(agent.name, { labels: { a: "b" } });
  await assert.rejects(other.listSessions(), { code: "vm_conflict" });
  await assert.rejects(client.vm.get(["face-ts", "none"]).get(), { code: "vm_not_found" });
});

test("half of a character is replaced, and settles", async () => {
  await agent.createSession("echo", { sessionId: "s-half" });
  assert.equal((await agent.sendPrompt("s-half", "say x\ud83dy")).text, "x\ufffdy");
  await agent.writeFile("/half\ude00", "\ud83d\ude00\ud83d");
  assert.deepEqual(await agent.readFile("/half\ufffd"), { content: "\u{1f600}\ufffd" });
});

test("a session from prompt to end", async () => {
  const session = await agent.createSession("echo", { sessionId: "s-1", env: { GREETING: "hello" } });
  assert.equal(session.sessionId, "s-1");
  const answer = await agent.sendPrompt("s-1", "env GREETING");
  assert.match(answer.text, /hello/);
  assert.equal(answer.stopReason, "end_turn");
  await agent.setModel("s-1", "large");
  assert.deepEqual((await agent.getConfigOptions("s-1")).map(({ currentValue }) => currentValue), ["large", "off"]);
  await agent.setConfigOption("s-1", "thought", "low");
  assert.equal((await agent.setMode("s-1", "code")).modes.currentModeId, "code");
  assert.deepEqual((await agent.listSessions()).map(({ sessionId }) => sessionId), ["s-1"]);
  await assert.rejects(agent.rawSend("s-1", "no/such", {}), { code: "agent_error" });
  await agent.closeSession("s-1");
  assert.equal((await agent.getSession("s-1")).status, "closed");
  assert.equal((await agent.resumeSession("s-1")).sessionId, "s-1");
  await agent.destroySession("s-1");
  assert.deepEqual(await agent.listPersistedSessions(), []);
});

test("turns of several sessions at once, and a cancel", async () => {
  const sessions = await Promise.all([agent.createSession("echo"), agent.createSession("echo")]);
  const ids = sessions.map(({ sessionId }) => sessionId);
  const conn = agent.connect({ sessionId: ids[0] });
  const streaming = heard(conn, "sessionEvent", ({ event }) => kind(event) === "agent_message_chunk");
  const turn = agent.sendPrompt(ids[0], "stream 100000 1");
  await streaming;
  assert.equal((await agent.sendPrompt(ids[1], "say quick")).text, "quick");
  await assert.rejects(agent.sendPrompt(ids[0], "say no"), { code: "prompt_in_progress", retryable: true });
  assert.deepEqual(await agent.cancelPrompt(ids[0]), { outcome: "cancelled" });
  assert.equal((await turn).stopReason, "cancelled");
});

test("aborting a prompt leaves the turn alone", async () => {
  const { sessionId } = await agent.createSession("echo");
  const conn = agent.connect();
  const begun = heard(conn, "sessionEvent", ({ event }) => kind(event) === "agent_message_chunk");
  const aborter = new AbortController();
  const turn = agent.sendPrompt(sessionId, "say begun; sleep 60000", { signal: aborter.signal });
  await begun;
  aborter.abort(new Error("enough"));
  await assert.rejects(turn, /enough/);
  assert.equal((await agent.getSession(sessionId)).status, "running");
  assert.deepEqual(await agent.cancelPrompt(sessionId), { outcome: "cancelled" });
});

test("files hold text and bytes", async () => {
  const bytes = Uint8Array.of(0xff, 0, 1, 0x80);
  await agent.writeFile("/home/user/a/bytes", bytes);
  await agent.writeFile("/home/user/a/buffer", Buffer.from(bytes));
  await agent.writeFile("/home/user/a/text", "höhö\n");
  for (const name of ["bytes", "buffer"]) {
    assert.deepEqual((await agent.readFile(`/home/user/a/${name}`)).content, bytes);
  }
  assert.deepEqual(await agent.readFile("/home/user/a/text"), { content: "höhö\n" });
  const { content } = await agent.readFile("/home/user/a/text", { encoding: "base64" });
  assert.equal(Buffer.from(content).toString(), "höhö\n");
  assert.deepEqual((await agent.readdir("/home/user/a")).sort(), ["buffer", "bytes", "text"]);
  assert.equal((await agent.stat("/home/user/a/bytes")).size, 4);
  await agent.mkdir("/home/user/b/c", { recursive: true });
  await agent.deleteFile("/home/user/a", { recursive: true });
  assert.equal(await agent.exists("/home/user/a/text"), false);
  await assert.rejects(agent.readFile("/home/user/a/text"), { code: "not_found" });
});

test("a connection hears all that follows, in order, before the answer", async () => {
  const conn = agent.connect();
  const seen = [];
  conn.on("sessionEvent", (notice) => seen.push(notice));
  const { sessionId } = await agent.createSession("echo"); // the connection is not even open when this is asked
  await agent.sendPrompt(sessionId, "stream 20");
  const events = await agent.getSessionEvents(sessionId);
  assert.deepEqual(
    seen.map(({ seq, event }) => [seq, event]),
    events.map(({ seq, event }) => [seq, event]),
  );
  assert.deepEqual(seen[0].vm, agent.name);
  conn.close();
  await agent.sendPrompt(sessionId, "say unheard");
  assert.equal(seen.length, events.length);
});

test("a connection to a session begins where it is told to", async () => {
  const [one, two] = await Promise.all([agent.createSession("echo"), agent.createSession("echo")]);
  await agent.sendPrompt(one.sessionId, "stream 3");
  const all = agent.connect({ sessionId: one.sessionId, after: -1 });
  const late = agent.connect({ sessionId: one.sessionId });
  const chunks = agent.connect({ sessionId: one.sessionId, after: -1, types: ["agent_message_chunk"] });
  const seen = [all, late, chunks].map((conn) => {
    const list = [];
    conn.on("sessionEvent", ({ sessionId, seq }) => list.push(sessionId === one.sessionId ? seq : -1));
    return list;
  });
  await Promise.all([all, late, chunks].map((conn) => conn.ready()));
  await agent.sendPrompt(two.sessionId, "say elsewhere");
  const before = (await agent.getSessionEvents(one.sessionId)).length;
  await agent.sendPrompt(one.sessionId, "say more");
  const events = await agent.getSessionEvents(one.sessionId);
  const seqs = events.map(({ seq }) => seq);
  assert.deepEqual(seen[0], seqs);
  assert.deepEqual(seen[1], seqs.slice(before));
  assert.deepEqual(seen[2], events.filter(({ event }) => kind(event) === "agent_message_chunk").map(({ seq }) => seq));
});

test("permission requests are asked once, and of those who come late, too", async () => {
  const { sessionId } = await agent.createSession("echo");
  const conn = agent.connect();
  const asked = [];
  conn.on("permissionRequest", ({ request }) => asked.push(request.permissionId));
  const first = heard(conn, "permissionRequest");
  const turn = agent.sendPrompt(sessionId, "permission Delete it");
  const { request } = await first;
  const late = agent.connect();
  assert.equal((await heard(late, "permissionRequest")).request.permissionId, request.permissionId);
  await assert.rejects(agent.respondPermission(sessionId, request.permissionId, { optionId: "none" }), {
    code: "invalid_permission_option",
  });
  await agent.respondPermission(sessionId, request.permissionId, { optionId: request.options[0].optionId });
  assert.equal((await turn).text, "permission: allow-once");
  await assert.rejects(agent.respondPermission(sessionId, request.permissionId, "once"), {
    code: "permission_not_pending",
  });
  assert.deepEqual(asked, [request.permissionId]);
});

test("sleep is heard of, and heard through", async () => {
  const { sessionId } = await agent.createSession("echo", { env: { ECHO_LOAD: "1" } });
  const conn = agent.connect();
  const states = [];
  conn.on("vmState", ({ state }) => states.push(state));
  await agent.sleep({ graceMs: 10_000 });
  assert.equal((await agent.sendPrompt(sessionId, "say awake")).text, "awake");
  assert.deepEqual(states, ["asleep", "awake"]);
});

test("a connection to what is not there is over", async () => {
  const conn = agent.connect({ sessionId: "none" });
  await assert.rejects(conn.ready(), { code: "session_not_found" });
  const other = agent.connect();
  const closed = heard(other, "close");
  await agent.destroy();
  assert.equal(await closed, undefined);
  agent = client.vm.getOrCreate("face-ts"); // for afterEach to destroy
});

test("closing the client closes its connections", async () => {
  const own = createClient();
  const conn = own.vm.get("face-ts-none-yet").connect();
  const another = own.vm.getOrCreate(agent.name).connect();
  await assert.rejects(conn.ready(), { code: "vm_not_found" });
  await another.ready();
  const closed = heard(another, "close");
  own.close();
  assert.equal(await closed, undefined);
  await assert.rejects(own.status(), { code: "client_closed" });
});
