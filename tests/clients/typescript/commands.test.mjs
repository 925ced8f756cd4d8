// Files, their past and processes through the TypeScript client, against the daemon at $TORPOR_SOCKET.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";
import { createClient } from "../../../clients/typescript/dist/index.js";
import { heard } from "./daemon.mjs";

const CAT = readFileSync(new URL("../../guests/dist/copy_stdin.wasm", import.meta.url));
const BYTES = Uint8Array.of(0xff, 0, 1, 0x80);
const client = createClient();
after(() => client.close());
let count = 0;
let agent;

beforeEach(() => {
  agent = client.vm.getOrCreate(["commands-ts", String(count++)], { base: "none" });
});
afterEach(() => agent.destroy());

test("many files at once, with an outcome for each", async () => {
  const done = await agent.writeFiles([
    { path: "/d/a", content: "first" },
    { path: "/d/b", content: BYTES },
    { path: "relative", content: "x" },
  ]);
  assert.deepEqual(done.map(({ error }) => error?.code), [undefined, undefined, "invalid_argument"]);
  const found = await agent.readFiles(["/d/a", "/d/b", "/no"]);
  assert.deepEqual(found.map(({ content }) => content), ["first", BYTES, undefined]);
  assert.equal(found[2].error.code, "not_found");
  assert.deepEqual((await agent.readdirEntries("/d", { after: "a" })).map(({ name, size }) => [name, size]), [["b", 4]]);
  const tree = await agent.readdirRecursive("/", { exclude: ["etc", "home", "root", "tmp", "bin"] });
  assert.deepEqual(tree.map(({ path }) => path), ["/d", "/d/a", "/d/b"]);
});

test("files are moved, linked and brought back", async () => {
  await agent.writeFile("/d/a", "first");
  assert.equal((await agent.snapshot({ name: "s" })).name, "s");
  await agent.move("/d/a", "/d/c");
  await agent.symlink("c", "/d/link");
  assert.equal(await agent.readlink("/d/link"), "c");
  await agent.chmod("/d/c", 0o600);
  await agent.truncate("/d/c", 2);
  const { from, to, changes } = await agent.diff("s");
  assert.deepEqual([from.name, to], ["s", null]);
  assert.deepEqual(changes.map(({ path, change }) => [path, change]), [
    ["/d/a", "removed"],
    ["/d/c", "added"],
    ["/d/link", "added"],
  ]);
  assert.equal((await agent.restore("s", { force: true })).name, "s");
  assert.deepEqual(await agent.readFile("/d/a"), { content: "first" });
  assert.deepEqual((await agent.listSnapshots()).map(({ name }) => name), ["s"]);
  await agent.deleteSnapshot("s");
  await assert.rejects(agent.diff("s"), { code: "not_found" });
});

test("a command is run to its end", async () => {
  await agent.writeFile("/bin/cat", CAT);
  const done = await agent.exec("cat", { stdin: "in" });
  assert.deepEqual([done.exitCode, done.stdout, done.reason], [0, "in", "exit"]);
  assert.deepEqual((await agent.exec(["cat"], { stdin: BYTES, cwd: "/bin", env: { A: "b" } })).stdout, BYTES);
  await assert.rejects(agent.exec("cat | cat"), { code: "invalid_argument" });
});

test("a process is talked to and heard", async () => {
  await agent.writeFile("/bin/cat", CAT);
  const conn = agent.connect();
  const pieces = [];
  conn.on("processOutput", ({ data, stream }) => pieces.push([stream, data]));
  const exited = heard(conn, "processExit");
  const { pid } = await agent.spawn(["cat"]);
  const first = heard(conn, "processOutput");
  await agent.writeProcessStdin(pid, "text");
  await first;
  await agent.writeProcessStdin(pid, BYTES);
  await agent.closeProcessStdin(pid);
  assert.equal((await exited).exitCode, 0);
  assert.deepEqual(pieces, [["stdout", "text"], ["stdout", BYTES]]);
  assert.equal((await agent.waitProcess(pid)).exitCode, 0);
  assert.equal((await agent.getProcess(pid, { output: true })).state, "ended");
  const other = await agent.spawn("cat");
  assert.deepEqual((await agent.listProcesses()).map((each) => each.state), ["ended", "running"]);
  assert.equal((await agent.stopProcess(other.pid)).reason, "exit");
  assert.equal((await agent.killProcess((await agent.spawn("cat")).pid)).exitCode, null);
});
