// JSON-RPC against a scripted daemon: what a real one does too seldom to be tested with.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClient, TorporError } from "../../../clients/typescript/dist/index.js";
import { Held } from "../../../clients/typescript/dist/held.js";
import { LineSplitter } from "../../../clients/typescript/dist/transport.js";
import { FrameReader } from "../../../clients/typescript/dist/websocket.js";

const directory = mkdtempSync(join(tmpdir(), "torpor-"));
after(() => rmSync(directory, { recursive: true }));
const welcome = { server: "scripted", version: "0", protocol: 1, capabilities: [], limits: {}, epoch: "e1" };
let count = 0;

/** Serves `answer(message, send, socket)` on a socket; hello is answered by itself. */
async function scripted(t, answer) {
  const path = join(directory, `s${count++}`);
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    const send = (message) => socket.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    const lines = new LineSplitter((line) => {
      const message = JSON.parse(line);
      if (message.method === "hello") send({ id: message.id, result: welcome });
      else answer(message, send, socket);
    });
    socket.on("data", (chunk) => lines.push(chunk));
  });
  server.listen(path);
  await once(server, "listening");
  const client = createClient({ endpoint: path });
  t.after(() => {
    client.close();
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  return client;
}

test("answers find their requests in any order", async (t) => {
  const waiting = [];
  const client = await scripted(t, ({ id, params }, send) => {
    waiting.push({ id, result: params.vm });
    if (waiting.length === 3) waiting.reverse().forEach(send);
  });
  const answers = await Promise.all(["a", "b", "c"].map((vm) => client.call("vm.get", { vm })));
  assert.deepEqual(answers, ["a", "b", "c"]);
});

test("lines come in any pieces", async (t) => {
  const client = await scripted(t, ({ id }, _send, socket) => {
    const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, result: { text: "höhö 🙂" } })}\n`);
    for (const byte of bytes) socket.write(Buffer.of(byte));
  });
  assert.deepEqual(await client.status(), { text: "höhö 🙂" });
  const lines = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of ["a\nb", "", "c", "\n\nd\n", "e"]) splitter.push(Buffer.from(piece));
  assert.deepEqual(lines, ["a", "bc", "", "d"]);
});

test("an error keeps all that came with it", async (t) => {
  const data = { code: "agent_failed", retryable: false, phase: "initialize", exitCode: 3 };
  const client = await scripted(t, ({ id, method }, send) =>
    send({ id, error: method === "vm.list" ? { code: -32602, message: "bad" } : { code: -32000, message: "no", data } }),
  );
  await assert.rejects(client.status(), (error) => {
    assert.ok(error instanceof TorporError);
    assert.deepEqual({ ...error.data }, data);
    assert.deepEqual([error.code, error.rpcCode, error.message, error.retryable], ["agent_failed", -32000, "no", false]);
    return true;
  });
  await assert.rejects(client.vm.list(), { code: "invalid_params", rpcCode: -32602 });
});

test("aborting rejects at once and tells the daemon", async (t) => {
  const seen = [];
  const client = await scripted(t, (message, send) => {
    seen.push(message);
    if (message.method === "$/cancel_request") {
      send({ id: message.params.id, error: { code: -32800, message: "the request was cancelled" } });
    } else if (message.method === "vm.list") {
      send({ id: message.id, result: [] });
    }
  });
  const aborter = new AbortController();
  const call = client.status({ signal: aborter.signal });
  await client.vm.list(); // by now the first is under way
  aborter.abort();
  await assert.rejects(call, { name: "AbortError" });
  await client.vm.list(); // its answer is of no consequence
  assert.deepEqual(seen[2], { jsonrpc: "2.0", method: "$/cancel_request", params: { id: seen[0].id } });
  await assert.rejects(client.status({ signal: aborter.signal }), { name: "AbortError" });
  assert.equal(seen.length, 4);
});

test("a lost connection rejects what is under way, and the next call connects again", async (t) => {
  let first = true;
  const client = await scripted(t, ({ id }, send, socket) => {
    if (first) socket.destroy();
    else send({ id, result: [] });
    first = false;
  });
  await assert.rejects(client.vm.list(), { code: "connection_lost", retryable: true });
  assert.deepEqual(await client.vm.list(), []);
});

for (const line of ["null", "[]", "5", "{", '"x"']) {
  test(`what answers ${line} is no daemon`, async (t) => {
    const client = await scripted(t, (_message, _send, socket) => socket.write(`${line}\n`));
    await assert.rejects(client.vm.list(), { code: "connection_lost", message: /does not send JSON/ });
  });
}

test("a listener that closes its connection hears no more", async (t) => {
  const event = (seq) => ({ seq, type: "x", createdAt: 0, event: {} });
  let lists = 0;
  const client = await scripted(t, ({ id, method }, send) => {
    if (method === "subscribe") send({ id, result: { subscriptionId: "sub-1" } });
    // The first list says where it begins: what the second has beyond that was missed.
    if (method === "listPersistedSessions") send({ id, result: [{ sessionId: "s", lastSeq: lists++ ? 2 : -1, status: "idle" }] });
    if (method === "getSessionEvents") send({ id, result: [0, 1, 2].map(event) });
  });
  const conn = client.vm.get("v").connect();
  const heard = [];
  conn.on("sessionEvent", ({ seq }) => {
    heard.push(seq);
    conn.close();
  });
  await once(conn, "close");
  await new Promise(setImmediate);
  assert.deepEqual(heard, [0]);
});

test("notices that are held have a bound, and events that were read are not told again", () => {
  const held = new Held();
  const event = (seq) => ({ method: "sessionEvent", params: { sessionId: "s", seq } });
  [0, 1, 2].map(event).forEach((notice) => held.push(notice));
  held.push({ method: "vmState", params: {} });
  const told = (last) => held.news(new Map([["s", last]])).map(({ method, params }) => params.seq ?? method);
  assert.deepEqual([told(-1), told(1)], [[0, 1, 2, "vmState"], [2, "vmState"]]);
  assert.equal(held.takeOverflow(), false);
  for (let seq = 3; seq < 10_000; seq += 1) held.push(event(seq));
  assert.deepEqual([told(-1), held.takeOverflow(), held.takeOverflow()], [[9_999], true, false]);
});

test("what does not speak JSON is no daemon", async (t) => {
  const client = await scripted(t, (_message, _send, socket) => socket.write("HTTP/1.1 400 Bad Request\r\n"));
  await assert.rejects(client.vm.list(), { code: "connection_lost", message: /does not send JSON/ });
});

test("a daemon that says nothing is given up", async (t) => {
  const path = join(directory, "mute");
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket)).listen(path);
  await once(server, "listening");
  t.after(() => {
    server.close();
    sockets.forEach((socket) => socket.destroy());
  });
  const client = createClient({ endpoint: path, connectTimeoutMs: 20 });
  await assert.rejects(client.status(), { code: "connect_failed", message: /no hello within 20 ms/ });
});

test("over a WebSocket, with the token in a header", async (t) => {
  let asked;
  const server = createHttpServer().on("upgrade", (request, socket) => {
    asked = request;
    const key = request.headers["sec-websocket-key"];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    socket.on("error", () => {});
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: torpor.v1\r\n\r\n`,
    );
    socket.on("data", (frame) => {
      if ((frame[0] & 0x0f) !== 1) return void socket.end();
      const { id, method } = JSON.parse(unmasked(frame));
      const result = Buffer.from(JSON.stringify({ jsonrpc: "2.0", id, result: method === "hello" ? welcome : [method] }));
      const size = result.length < 126 ? [result.length] : [126, result.length >> 8, result.length & 0xff];
      socket.write(Buffer.concat([Buffer.from([0x81, ...size]), result]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createClient({ endpoint: `http://127.0.0.1:${server.address().port}`, token: "secret" });
  t.after(() => {
    client.close();
    server.close();
  });
  assert.deepEqual(await client.vm.list(), ["vm.list"]);
  assert.equal(asked.url, "/rpc");
  assert.equal(asked.headers["sec-websocket-protocol"], "torpor.v1");
  assert.equal(asked.headers.authorization, "Bearer secret");
});

test("a WebSocket that is refused", async () => {
  const server = createHttpServer((_request, response) => response.writeHead(401).end("no token")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = createClient({ endpoint: `http://127.0.0.1:${server.address().port}`, token: "wrong" });
  await assert.rejects(client.vm.list(), { code: "connect_failed", message: /401 Unauthorized/ });
  server.close();
});

test("frames come in any pieces", () => {
  const heard = [];
  const handlers = {
    message: (text) => heard.push(text),
    pong: (data) => heard.push({ pong: String(data) }),
    over: (reason) => heard.push({ over: reason }),
  };
  const long = "x".repeat(70_000);
  const stream = Buffer.concat([
    Buffer.of(0x01, 2), Buffer.from("hö").subarray(0, 2), // a message in two frames, cut within a character
    Buffer.of(0x89, 1), Buffer.from("p"),
    Buffer.of(0x80, 1), Buffer.from("hö").subarray(2),
    Buffer.of(0x81, 126, 0, 200), Buffer.alloc(200, "y"),
    Buffer.of(0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70), Buffer.from(long),
    Buffer.of(0x8a, 0),
    Buffer.of(0x88, 6, 0x03, 0xe9), Buffer.from("away"),
    Buffer.of(0x81, 1), Buffer.from("z"), // nothing counts after the end
  ]);
  const wanted = [{ pong: "p" }, "hö", "y".repeat(200), long, { over: "away" }];
  for (const size of [1, 3, 1000, stream.length]) {
    heard.length = 0;
    const reader = new FrameReader(handlers, 100_000);
    for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
    assert.deepEqual(heard, wanted);
  }
  for (const [bytes, reason] of [
    [[0x81, 127, 0, 0, 0, 0, 0, 2, 0, 0], "a message is too long"],
    [[0xc1, 1], "a frame is not as RFC 6455 has it"],
    [[0x81, 0x81], "a frame is not as RFC 6455 has it"],
    [[0x82, 0], "messages are text"],
    [[0x88, 2, 0x03, 0xe9], "closed with 1001"],
    [[0x88, 0], "closed"],
  ]) {
    heard.length = 0;
    new FrameReader(handlers, 100_000).push(Buffer.from(bytes));
    assert.deepEqual(heard, [{ over: reason }]);
  }
});

/** The text of a short frame from a client, which is always masked (RFC 6455, 5.3). */
function unmasked(frame) {
  const short = frame[1] & 0x7f;
  const start = short === 126 ? 4 : 2;
  const size = short === 126 ? frame.readUInt16BE(2) : short;
  const mask = frame.subarray(start, start + 4);
  return Buffer.from(frame.subarray(start + 4, start + 4 + size).map((byte, index) => byte ^ mask[index % 4])).toString();
}
