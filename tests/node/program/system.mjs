// process, os, module, console, tty

import assert from "node:assert/strict";
import { createRequire, isBuiltin } from "node:module";
import os from "node:os";
import process, { argv, pid } from "node:process";
import { readFileSync } from "node:fs";
import tty from "node:tty";
import { createServer } from "node:http2";

export async function test_process(...args) {
  assert.equal(globalThis.process, process);
  assert.equal(argv, process.argv);
  assert.deepEqual(process.argv.slice(3), args);
  assert.equal(process.env.GREETING, "hello");
  assert.equal(process.cwd(), "/home/user");
  process.chdir("../..");
  assert.equal(process.cwd(), "/");
  assert.throws(() => process.chdir("/none"), { code: "ENOENT" });
  assert.deepEqual([pid > 1, process.pid, process.ppid !== pid], [true, pid, true]);
  assert.equal(readFileSync(`/proc/${pid}/comm`, "utf8"), "modules\n");
  assert.equal(process.platform, "linux");
  const before = process.hrtime.bigint();
  const [seconds, nanoseconds] = process.hrtime(process.hrtime());
  assert.ok(process.hrtime.bigint() >= before && seconds === 0 && nanoseconds >= 0);
  assert.ok(process.memoryUsage().rss > 2 ** 16 && process.memoryUsage.rss() > 2 ** 16);
  assert.throws(() => process.kill(1, 0), { code: "ESRCH" });
  const warned = new Promise((resolve) => process.once("warning", resolve));
  process.emitWarning("careful", "OldWarning");
  assert.equal((await warned).name, "OldWarning");
  let input = "";
  for await (const chunk of process.stdin) input += chunk;
  assert.equal(input, "from stdin");
}

export function test_process_exit() {
  process.on("exit", (code) => process.stdout.write(`exit ${code}\n`));
  process.stdout.write("x".repeat(200_000) + "\n");
  process.exitCode = 7;
  process.exit();
}

export function test_os() {
  assert.equal(os.homedir(), "/home/user");
  assert.equal(os.tmpdir(), "/tmp");
  assert.equal(os.EOL, "\n");
  assert.equal(os.hostname(), process.getBuiltinModule("node:fs").readFileSync("/proc/sys/kernel/hostname", "utf8").trim());
  assert.ok(os.totalmem() > 2 ** 20 && os.freemem() > 0 && os.uptime() >= 0 && os.loadavg().length === 3);
  assert.equal(os.constants.signals.SIGTERM, 15);
  assert.equal(os.userInfo().username, "user");
}

export async function test_module() {
  const require = createRequire(import.meta.url);
  assert.equal(require("node:os"), os);
  assert.equal(require("fs"), process.getBuiltinModule("fs"));
  assert.throws(() => require("left-pad"), { code: "MODULE_NOT_FOUND" });
  assert.ok(isBuiltin("node:fs") && !isBuiltin("left-pad"));
  const name = (which) => `node:${which}`; // which only the running program knows
  assert.equal((await import(name("os"))).default, os);
  await assert.rejects(import(name("left-pad")), { code: "ERR_MODULE_NOT_FOUND" });
  assert.throws(() => createServer(), /http2.createServer does not exist in a guest/);
}

export function test_console() {
  console.log("%s is %d", "one", 1, { two: [2] });
  console.group("group");
  console.info("inside");
  console.groupEnd();
  console.error("wrong");
  assert.equal(tty.isatty(1), false);
}
