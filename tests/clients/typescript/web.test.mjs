// The same face over a WebSocket, against a daemon that serves HTTP, and across its restart.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { createClient } from "../../../clients/typescript/dist/index.js";
import { Daemon, heard } from "./daemon.mjs";

const daemon = new Daemon();
let token;
before(async () => {
  await daemon.start("--http", "127.0.0.1:0");
  token = readFileSync(daemon.tokenFile, "utf8").trim();
});
after(() => daemon.remove());

test("a session, and its events across a restart", async (t) => {
  const client = createClient({ endpoint: daemon.url, token });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("web");
  const conn = agent.connect();
  const seqs = [];
  conn.on("sessionEvent", ({ seq }) => seqs.push(seq));
  const { sessionId } = await agent.createSession("echo");
  assert.equal((await agent.sendPrompt(sessionId, "say over the web")).text, "over the web");
  const interrupted = heard(conn, "interrupted");
  await daemon.kill();
  await interrupted;
  await daemon.start("--http", new URL(daemon.url).host);
  await agent.sendPrompt(sessionId, "say again");
  assert.deepEqual(
    seqs,
    (await agent.getSessionEvents(sessionId)).map(({ seq }) => seq),
  );
});

test("a client on this machine finds the token itself", async (t) => {
  const client = createClient({ endpoint: daemon.url });
  t.after(() => client.close());
  assert.equal((await client.hello()).protocol, 1);
});

test("large messages in both directions", async (t) => {
  const client = createClient({ endpoint: daemon.url, token });
  t.after(() => client.close());
  const agent = client.vm.getOrCreate("web-files");
  const bytes = new Uint8Array(3_000_000).map((_, index) => index * 31);
  await agent.writeFile("/home/user/large", bytes);
  assert.deepEqual((await agent.readFile("/home/user/large", { encoding: "base64" })).content, bytes);
});

test("another token is refused", async () => {
  const client = createClient({ endpoint: daemon.url, token: `${token}x` });
  await assert.rejects(client.hello(), { code: "connect_failed", message: /A bearer token is required/ });
  client.close();
});
