// Where the daemon is: the rules of runtime/api/endpoint.py, over again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { checkDirectory, resolveEndpoint } from "../../../clients/typescript/dist/endpoint.js";
import { createClient, EndpointError } from "../../../clients/typescript/dist/index.js";
import { readLocalToken } from "../../../clients/typescript/dist/token.js";

const directory = mkdtempSync(join(tmpdir(), "torpor-"));
after(() => rmSync(directory, { recursive: true }));

beforeEach(() => {
  for (const name of ["TORPOR_SOCKET", "XDG_RUNTIME_DIR", "TMPDIR", "TEMP", "TMP", "TORPOR_TOKEN"]) {
    delete process.env[name];
  }
});

test("a path and a unix URL are taken as they are", () => {
  assert.deepEqual(resolveEndpoint("/run/a.sock"), { kind: "unix", path: "/run/a.sock" });
  assert.deepEqual(resolveEndpoint("unix:///run/a.sock"), { kind: "unix", path: "/run/a.sock" });
  assert.deepEqual(resolveEndpoint("a.sock"), { kind: "unix", path: join(process.cwd(), "a.sock") });
});

test("the default is what the environment names", () => {
  process.env.TMPDIR = directory;
  assert.equal(resolveEndpoint().path, join(directory, `torpor-${process.getuid()}`, "torpor.sock"));
  process.env.XDG_RUNTIME_DIR = "relative";
  assert.equal(resolveEndpoint().path, join(directory, `torpor-${process.getuid()}`, "torpor.sock"));
  process.env.XDG_RUNTIME_DIR = "/run/user/1";
  assert.equal(resolveEndpoint().path, "/run/user/1/torpor/torpor.sock");
  process.env.TORPOR_SOCKET = "/run/named.sock";
  assert.equal(resolveEndpoint().path, "/run/named.sock");
});

test("a temp dir that cannot be written to is passed over", () => {
  process.env.TMPDIR = "/dev/null/none"; // not even root can make it
  process.env.TEMP = directory;
  assert.equal(resolveEndpoint().path, join(directory, `torpor-${process.getuid()}`, "torpor.sock"));
});

test("HTTP becomes a WebSocket, with a token", () => {
  process.env.TORPOR_TOKEN = "from-env";
  assert.deepEqual(resolveEndpoint("http://localhost:6420"), {
    kind: "web",
    url: new URL("ws://localhost:6420/rpc"),
    token: "from-env",
  });
  assert.deepEqual(resolveEndpoint("https://example.com/torpor/", "given"), {
    kind: "web",
    url: new URL("wss://example.com/torpor/rpc"),
    token: "given",
  });
});

test("what is no endpoint is refused", () => {
  for (const endpoint of ["ftp://localhost", "http://", "http://me@localhost", "http://a/?b", `/${"x".repeat(107)}`]) {
    assert.throws(() => createClient({ endpoint, token: "t" }), EndpointError);
  }
  for (const endpoint of ["http://example.com", "https://localhost:6420", "http://127.0.0.1.example.com"]) {
    assert.throws(() => createClient({ endpoint }), /needs a token/);
  }
  assert.equal(resolveEndpoint(`/${"x".repeat(106)}`).path.length, 107);
});

test("the default directory must be private", () => {
  process.env.XDG_RUNTIME_DIR = join(directory, "run");
  const place = join(directory, "run", "torpor");
  const socket = resolveEndpoint().path;
  checkDirectory(socket); // that there is none is for connecting to find out
  mkdirSync(place, { recursive: true, mode: 0o700 });
  checkDirectory(socket);
  chmodSync(place, 0o750);
  assert.throws(() => checkDirectory(socket), /open to other users/);
  rmSync(place, { recursive: true });
  const elsewhere = join(directory, "elsewhere");
  mkdirSync(elsewhere, { mode: 0o700 });
  symlinkSync(elsewhere, place);
  assert.throws(() => checkDirectory(socket), /is not a directory/);
  checkDirectory(join(directory, "any.sock")); // a place that the user named is the user's business
});

test("the token of a daemon on this machine, where it is this user's", async (t) => {
  process.env.XDG_RUNTIME_DIR = join(directory, "tokens");
  const place = join(directory, "tokens", "torpor");
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address();
  const url = resolveEndpoint(`http://localhost:${port}`).url;
  const path = join(place, `http-${port}.token`);
  assert.throws(() => readLocalToken(url), { code: "connect_failed", message: new RegExp(path) });
  writeFileSync(path, "the-token\n", { mode: 0o600 });
  assert.equal(readLocalToken(url), "the-token");
  chmodSync(path, 0o640);
  assert.throws(() => readLocalToken(url), /not a file of yours alone/);
  rmSync(path);
  symlinkSync("/etc/hostname", path);
  assert.throws(() => readLocalToken(url), EndpointError);
});

test("no token for what another user serves", { skip: process.getuid() !== 0 && "only root is several users" }, async (t) => {
  process.env.XDG_RUNTIME_DIR = join(directory, "theirs");
  mkdirSync(join(directory, "theirs", "torpor"), { recursive: true, mode: 0o700 });
  const text = "import os, socket; os.setuid(65534); s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()";
  const child = spawn(process.env.TORPOR_TEST_PYTHON, ["-c", text], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill());
  const port = Number((await once(child.stdout, "data"))[0]);
  writeFileSync(join(directory, "theirs", "torpor", `http-${port}.token`), "the-token\n", { mode: 0o600 });
  const client = createClient({ endpoint: `http://127.0.0.1:${port}` });
  await assert.rejects(client.hello(), { code: "invalid_endpoint", message: /another user \(uid 65534\)/ });
});

test("a client looks before it connects", async () => {
  process.env.XDG_RUNTIME_DIR = join(directory, "open");
  mkdirSync(join(directory, "open", "torpor"), { recursive: true });
  chmodSync(join(directory, "open", "torpor"), 0o777);
  await assert.rejects(createClient().hello(), { code: "invalid_endpoint", retryable: false });
});

test("where no daemon answers, it says so", async () => {
  const client = createClient({ endpoint: join(directory, "none.sock"), autostart: false });
  await assert.rejects(client.hello(), { code: "connect_failed", retryable: true, message: /there is no socket/ });
  client.close();
  await assert.rejects(client.hello(), { code: "client_closed", retryable: false });
});
