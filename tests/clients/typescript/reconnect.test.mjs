// Subscriptions across the end of the daemon, and of the connection to it: no gap, no duplicate.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "../../../clients/typescript/dist/index.js";
import { Daemon, heard, kind, Relay } from "./daemon.mjs";

const daemon = new Daemon();
before(() => daemon.start());
after(() => daemon.remove());

/** Keeps the seqs of each session that a connection hears. */
function record(conn) {
  const seqs = new Map();
  conn.on("sessionEvent", ({ sessionId, seq }) => seqs.set(sessionId, [...(seqs.get(sessionId) ?? []), seq]));
  return seqs;
}

async function transcript(agent, sessionId) {
  return (await agent.getSessionEvents(sessionId)).map(({ seq }) => seq);
}

test("a daemon that is killed in the middle of a turn and started again", async (t) => {
  const client = createClient({ endpoint: daemon.socket });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("killed");
  const conn = agent.connect();
  const all = record(conn);
  const first = heard(conn, "open");
  const { sessionId } = await agent.createSession("echo");
  const single = agent.connect({ sessionId, after: -1 });
  const one = record(single);
  const { epoch } = await first;

  for (let round = 1; round <= 2; round += 1) {
    const halfway = heard(conn, "sessionEvent", ({ event }) => event.params.update?.content?.text === "chunk 20\n");
    const turn = agent.sendPrompt(sessionId, "stream 100000 1");
    turn.catch(() => {});
    await halfway;
    const interrupted = heard(conn, "interrupted");
    const resumed = [heard(conn, "open"), heard(single, "open")];
    await daemon.kill();
    await assert.rejects(turn, { code: "connection_lost", retryable: true });
    assert.equal((await interrupted).code, "connection_lost");
    const patient = agent.listPersistedSessions();
    const aborter = new AbortController();
    const aborted = agent.listPersistedSessions({ signal: aborter.signal });
    aborter.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    await daemon.start();
    assert.equal((await patient).length, 1);
    const about = await resumed[0];
    assert.deepEqual([about.resumed, about.restarted], [true, true]);
    assert.notEqual(about.epoch, epoch);
    await resumed[1];
    assert.equal((await agent.sendPrompt(sessionId, `say round ${round}`)).stopReason, "end_turn");
  }

  const seqs = await transcript(agent, sessionId);
  assert.ok(seqs.length > 40);
  assert.deepEqual(all.get(sessionId), seqs);
  assert.deepEqual(one.get(sessionId), seqs);
});

test("a call that is made while the daemon is away finds the connection when it is back", async (t) => {
  const client = createClient({ endpoint: daemon.socket });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("back");
  const conn = agent.connect();
  const seen = record(conn);
  const { sessionId } = await agent.createSession("echo");
  const interrupted = heard(conn, "interrupted");
  await daemon.kill("SIGTERM"); // a daemon that ends in order records what it does to sessions
  await interrupted;
  await daemon.start();
  await agent.sendPrompt(sessionId, "say at once");
  assert.deepEqual(seen.get(sessionId), await transcript(agent, sessionId));
});

test("what happens while the connection is away, in sessions old and new", async (t) => {
  const relay = await new Relay(join(daemon.directory, "r"), daemon.socket).open();
  const client = createClient({ endpoint: relay.path });
  const direct = createClient({ endpoint: daemon.socket });
  t.after(async () => {
    client.close();
    direct.close();
    await relay.close();
  });
  const agent = client.vm.getOrCreate("away");
  const other = direct.vm.getOrCreate("away");
  const silent = await other.createSession("echo"); // says nothing until the connection is away
  const older = await other.createSession("echo");
  const baseline = (await transcript(other, silent.sessionId)).length;
  const conn = agent.connect();
  await conn.ready();
  const seen = record(conn);
  const asked = [];
  conn.on("permissionRequest", ({ request }) => asked.push(request.permissionId));
  const states = [];
  conn.on("vmState", ({ state, reason }) => states.push(`${state}: ${reason}`));
  const changes = [];
  client.on("disconnected", ({ code }) => changes.push(code));
  client.on("reconnected", ({ restarted }) => changes.push({ restarted }));
  const talked = (await transcript(other, older.sessionId)).length;
  await agent.sendPrompt(older.sessionId, "stream 5");

  const interrupted = heard(conn, "interrupted");
  await relay.close();
  await interrupted;
  const watching = other.connect();
  await watching.ready();
  await other.sendPrompt(silent.sessionId, "stream 5");
  await other.sendPrompt(older.sessionId, "flood 1500"); // more than a page
  const young = await other.createSession("echo");
  const asking = heard(watching, "permissionRequest");
  const turn = other.sendPrompt(young.sessionId, "permission Go on");
  const { request } = await asking;
  const resumed = heard(conn, "open");
  await relay.open();
  assert.equal((await resumed).restarted, false);
  assert.deepEqual(asked, [request.permissionId]);
  assert.deepEqual(states, ["awake: reconnected"]);
  assert.deepEqual(changes, ["connection_lost", { restarted: false }]);
  await agent.respondPermission(young.sessionId, request.permissionId, "once");
  await turn;

  for (const { sessionId } of [silent, older, young]) {
    const skipped = sessionId === silent.sessionId ? baseline : sessionId === older.sessionId ? talked : 0;
    await agent.getSession(sessionId);
    assert.deepEqual(seen.get(sessionId), (await transcript(agent, sessionId)).slice(skipped));
  }
});

test("what is in no transcript, after a restart of the daemon", async (t) => {
  const client = createClient({ endpoint: daemon.socket });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("restarted");
  const { sessionId } = await agent.createSession("echo");
  const whole = agent.connect();
  const single = agent.connect({ sessionId });
  const deaf = agent.connect({ types: ["agent_message_chunk"] });
  await Promise.all([whole, single, deaf].map((conn) => conn.ready()));
  deaf.on("vmState", () => assert.fail("it was not asked for"));
  const told = Promise.all([whole, single].map((conn) => heard(conn, "vmState")));
  const reconnected = heard(client, "reconnected");
  const open = heard(deaf, "open");
  await daemon.kill();
  await daemon.start();
  for (const { vm, state, reason, subscriptionId } of await told) {
    assert.deepEqual([vm, state, reason, typeof subscriptionId], ["restarted", "asleep", "reconnected", "string"]);
  }
  const { epoch } = await client.hello();
  assert.deepEqual(await reconnected, { epoch, restarted: true });
  assert.deepEqual(await open, { epoch, resumed: true, restarted: true });
});

test("a subscription that has fallen behind is made again", async (t) => {
  const relay = await new Relay(join(daemon.directory, "r"), daemon.socket).open();
  const client = createClient({ endpoint: relay.path });
  t.after(async () => {
    client.close();
    await relay.close();
  });
  const agent = client.vm.getOrCreate("behind");
  const conn = agent.connect();
  const seen = record(conn);
  const ids = [];
  conn.on("sessionEvent", ({ subscriptionId }) => ids.push(subscriptionId));
  const { sessionId } = await agent.createSession("echo");
  const streaming = heard(conn, "sessionEvent", ({ event }) => kind(event) === "agent_message_chunk");
  const turn = agent.sendPrompt(sessionId, "stream 200 1");
  await streaming;
  const again = heard(conn, "open");
  relay.inject({ jsonrpc: "2.0", method: "subscriptionLagged", params: { subscriptionId: ids[0], lastSeq: null } });
  assert.deepEqual((await again).resumed, true);
  await turn;
  assert.deepEqual(seen.get(sessionId), await transcript(agent, sessionId));
  assert.ok(new Set(ids).size > 1);
});

test("a client without patience says at once that the daemon is away", async (t) => {
  const relay = await new Relay(join(daemon.directory, "r"), daemon.socket).open();
  const client = createClient({ endpoint: relay.path, patienceMs: 0 });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("impatient");
  const conn = agent.connect();
  await conn.ready();
  const interrupted = heard(conn, "interrupted");
  await relay.close();
  await interrupted;
  await assert.rejects(agent.listSessions(), { code: "connect_failed", retryable: true });
  const again = heard(conn, "open");
  await relay.open();
  assert.deepEqual(await agent.listSessions(), []);
  assert.equal((await again).restarted, false);
  client.close();
  await relay.close();
});

test("a client that is closed while it waits for the daemon waits no longer", async () => {
  const relay = await new Relay(join(daemon.directory, "r"), daemon.socket).open();
  const client = createClient({ endpoint: relay.path });
  await client.hello();
  await relay.close();
  const waiting = client.hello();
  client.close();
  await assert.rejects(waiting, { code: "client_closed" });
});

test("a connection that is closed while the daemon is away stays so", async () => {
  const client = createClient({ endpoint: join(daemon.directory, "nobody") });
  const conn = client.vm.getOrCreate("never").connect();
  await heard(conn, "interrupted");
  const closed = heard(conn, "close");
  client.close();
  assert.equal(await closed, undefined);
  await assert.rejects(conn.ready(), { code: "client_closed" });
});

test("a VM that was destroyed meanwhile ends the connection, and says why", async (t) => {
  const relay = await new Relay(join(daemon.directory, "r"), daemon.socket).open();
  const client = createClient({ endpoint: relay.path });
  const direct = createClient({ endpoint: daemon.socket });
  t.after(async () => {
    client.close();
    direct.close();
    await relay.close();
  });
  const conn = client.vm.getOrCreate("gone").connect();
  await conn.ready();
  const interrupted = heard(conn, "interrupted");
  await relay.close();
  await interrupted;
  await direct.vm.get("gone").destroy();
  const closed = heard(conn, "close");
  await relay.open();
  assert.equal((await closed).code, "vm_not_found");
});
