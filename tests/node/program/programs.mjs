// child_process, over programs of the tests: show (arguments, environment, directory), cat, code, spin, stderr

import assert from "node:assert/strict";
import { exec, execFile, execFileSync, execSync, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, createReadStream, openSync, promises, read, readFile } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

export async function test_spawn() {
  const child = spawn("cat", [], { stdio: ["pipe", "pipe", "inherit"] });
  assert.ok(child.pid > 1 && child.stderr === null && child.spawnfile === "cat");
  const long = "zwölf ".repeat(50_000);
  child.stdin.end(long);
  assert.equal(await text(child.stdout), long);
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal(child.exitCode, 0);

  const failing = spawn("code", ["3"]);
  assert.deepEqual(await once(failing, "exit"), [3, null]);

  const shown = spawn("/bin/show", ["a b", ""], { cwd: "/tmp", env: { PATH: "/bin", NAME: "value" } });
  const said = await text(shown.stdout);
  assert.match(said, /a b/);
  assert.match(said, /NAME=value/);
  assert.doesNotMatch(said, /GREETING/);
}

const READERS = {
  promise: () => promises.readFile("/dev/stdin", "utf8"),
  callback: () => promisify(readFile)("/dev/stdin", "utf8"),
  stream: () => text(createReadStream("/dev/stdin")),
  number: () => promises.readFile(0, "utf8"),
  async handle() {
    const handle = await promises.open("/dev/stdin");
    let all = "";
    for (let part; (part = await handle.read(Buffer.alloc(100))).bytesRead; ) all += part.buffer.subarray(0, part.bytesRead);
    await handle.close();
    return all;
  },
  async closed() {
    const fd = openSync("/dev/stdin", "r");
    const reading = promisify(read)(fd, Buffer.alloc(100), 0, 100, null);
    closeSync(fd);
    await assert.rejects(reading, { code: "EBADF" });
    return text(createReadStream("/dev/stdin"));
  },
};

/** A child that tells what it reads, and before that there is anything to read, that it waits. */
export async function test_reader(how) {
  const reading = READERS[how]();
  await new Promise((resolve) => setTimeout(resolve, 0));
  process.stdout.write("waits\n");
  process.stdout.write(await reading);
}

export async function test_reading_a_device_lets_the_rest_go_on() {
  for (const how of Object.keys(READERS)) {
    const child = spawn("modules", ["test_reader", how], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "waits", how);
    child.stdin.end("what it reads\n");
    assert.equal((await lines.next()).value, "what it reads", how);
    assert.deepEqual(await once(child, "close"), [0, null], how);
  }
}

export async function test_spawn_errors() {
  const missing = spawn("nothing-of-this-name");
  const [error] = await once(missing, "error");
  assert.deepEqual([error.code, error.errno, error.syscall, error.path, missing.pid], ["ENOENT", -2, "spawn nothing-of-this-name", "nothing-of-this-name", undefined]);
  const [denied] = await once(spawn("/etc/hostname-that-is-no-program"), "error");
  assert.equal(denied.code, "ENOENT");
  const folder = await once(spawn("/tmp"), "error");
  assert.equal(folder[0].code, "EACCES");
  const lost = await once(spawn("cat", { cwd: "/none" }), "error");
  assert.equal(lost[0].code, "ENOENT");
  const [strange] = await once(spawn("cat", ["a\0b"]), "error");
  assert.equal(strange.code, "EINVAL");
  assert.throws(() => spawn(""), { code: "ERR_INVALID_ARG_TYPE" });
  assert.throws(() => fork("x.js"), /does not exist in a guest/);
}

export async function test_kill() {
  const child = spawn("spin");
  await once(child, "spawn");
  assert.equal(child.kill("SIGTERM"), true);
  assert.deepEqual(await once(child, "close"), [null, "SIGTERM"]);
  assert.equal(child.kill(), false);
  assert.throws(() => child.kill("SIGNOTHING"), { code: "ERR_UNKNOWN_SIGNAL" });

  const group = spawn("spin", [], { detached: true });
  await once(group, "spawn");
  process.kill(-group.pid, "SIGKILL");
  assert.deepEqual(await once(group, "close"), [null, "SIGKILL"]);
  assert.throws(() => process.kill(group.pid, 0), { code: "ESRCH" });

  const controller = new AbortController();
  const stopped = spawn("spin", { signal: controller.signal });
  setTimeout(() => controller.abort(), 1);
  const [aborted] = await once(stopped, "error");
  assert.equal(aborted.name, "AbortError");
}

export async function test_exec_file() {
  const { stdout, stderr } = await promisify(execFile)("stderr", ["words"]);
  assert.deepEqual([stdout, stderr], ["to stdout\n", "words\n"]);
  await assert.rejects(promisify(execFile)("code", ["5"]), { code: 5, cmd: "code 5" });
  const [limited] = await new Promise((resolve) => {
    const child = execFile("cat", { maxBuffer: 10 }, (...all) => resolve(all));
    child.stdin.end("x".repeat(100));
  });
  assert.equal(limited.code, "ERR_CHILD_PROCESS_STDIO_MAXBUFFER");
}

export function test_spawn_sync() {
  const long = "x".repeat(300_000);
  const { status, signal, stdout, stderr } = spawnSync("cat", { input: long, encoding: "utf8" });
  assert.deepEqual([status, signal, stdout === long, stderr], [0, null, true, ""]);
  assert.equal(spawnSync("nothing").error.code, "ENOENT");
  const late = spawnSync("spin", { timeout: 1 });
  assert.deepEqual([late.status, late.signal, late.error.code], [null, "SIGTERM", "ETIMEDOUT"]);
  assert.equal(execFileSync("cat", { input: "text" }).toString(), "text");
  assert.throws(() => execFileSync("code", ["4"]), { status: 4, code: 4 });
  const merged = spawnSync("stderr", ["words"], { stdio: ["ignore", "pipe", 1], encoding: "utf8" });
  assert.deepEqual([merged.stdout.split("\n").sort(), merged.stderr], [["", "to stdout", "words"], null]);
}

/** With the shell that the VM has. */
export async function test_shell() {
  const { stdout } = await promisify(exec)("echo one | tr a-z A-Z; echo $0");
  assert.match(stdout, /^ONE\n.*sh\n$/);
  assert.equal(execSync("echo two >&2; printf three", { encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] }), "three");
  await assert.rejects(promisify(exec)("exit 9"), { code: 9 });
  // What is stopped is not waited for where another process of it has the streams.
  assert.throws(() => execSync("sleep 1000; true", { timeout: 20 }), { code: "ETIMEDOUT" });
  await assert.rejects(promisify(exec)("sleep 1000; true", { timeout: 20 }), { killed: true });
  await assert.rejects(promisify(exec)("echo much; sleep 1000; true", { maxBuffer: 2 }), { code: "ERR_CHILD_PROCESS_STDIO_MAXBUFFER" });
  // A child in the background keeps the streams open.
  const child = spawn("sleep 0.05 && echo late & echo early", { shell: true });
  assert.equal(await text(child.stdout), "early\nlate\n");
}
