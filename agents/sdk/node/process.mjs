// node:process. What asks the host is asked when it is looked at: modules are loaded while the component is built.

import { getArguments, initialCwd } from "wasi:cli/environment@0.2.12";
import { exitWithCode } from "wasi:cli/exit@0.2.12";
import { now } from "wasi:clocks/monotonic-clock@0.2.12";
import { readLink, readText, resolve, stat } from "../web/files.mjs";
import { isLive, onLive } from "../web/live.mjs";
import { ready } from "../web/loop.mjs";
import { Buffer } from "./buffer.mjs";
import { absent, systemError } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";
import process, { nextTick } from "./process-global.mjs";
import { standard, writeNow } from "./standard.mjs";
import { Readable, Writable } from "./stream.mjs";

const VERSION = "22.19.0";
const READ_SIZE = 65536n;
/** Linux's clock tick in microseconds, and its page in bytes: the units of /proc. */
const TICK_US = 10_000;
const PAGE = 4096;

/** Whether a descriptor is a terminal, which /proc says. */
export function isTerminal(fd) {
  try {
    return isLive() && /^\/dev\/(pts\/|tty)/.test(readLink(`/proc/self/fd/${fd}`));
  } catch {
    return false;
  }
}

/** `isTTY` of a standard stream: true or not there. */
const withTerminal = (stream, fd) =>
  Object.defineProperty(Object.assign(stream, { fd }), "isTTY", { get: () => isTerminal(fd) || undefined, set() {}, enumerable: true, configurable: true });

function output(fd) {
  const writable = new Writable({
    decodeStrings: true,
    write(chunk, _encoding, callback) {
      try {
        writeNow(fd, chunk);
        callback();
      } catch (error) {
        callback(error);
      }
    },
  });
  return withTerminal(writable, fd);
}

function input() {
  let pollable;
  const readable = new Readable({
    highWaterMark: Number(READ_SIZE),
    async read() {
      const stream = standard(0);
      pollable ??= stream.subscribe();
      for (;;) {
        let bytes;
        try {
          bytes = stream.read(READ_SIZE);
        } catch {
          this.push(null);
          return;
        }
        if (bytes.length) {
          this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
          return;
        }
        await ready(pollable, wanted);
      }
    },
  });
  // As long as somebody listens.
  const wanted = () => referenced && !readable.isPaused() && (readable.readableFlowing || readable.listenerCount("readable") > 0);
  let referenced = true;
  const refer = (to) => () => {
    referenced = to;
    return readable;
  };
  return withTerminal(Object.assign(readable, { setRawMode: () => readable, ref: refer(true), unref: refer(false) }), 0);
}

/** The members of /proc/self/stat from the process's state on, which is behind its name: that may have anything in it. */
const statistics = (stat = readText("/proc/self/stat")) => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

let cwd;
const whereabouts = () => (cwd ??= isLive() ? (initialCwd() ?? "/") : "/");
let started = 0n;
const time = () => (isLive() ? now() : 0n);

function hrtime(before) {
  const current = time();
  const [seconds, nanoseconds] = [Number(current / 1_000_000_000n), Number(current % 1_000_000_000n)];
  if (!before) return [seconds, nanoseconds];
  const passed = current - (BigInt(before[0]) * 1_000_000_000n + BigInt(before[1]));
  return [Number(passed / 1_000_000_000n), Number(passed % 1_000_000_000n)];
}
hrtime.bigint = time;

const rss = () => Number(readText("/proc/self/statm").split(" ")[1]) * PAGE;
const signals = { kill: absent("process.kill of a process that is no child") };

/** child_process knows the children. */
export const serveKill = (kill) => void (signals.kill = kill);

const own = {
  title: "node",
  version: `v${VERSION}`,
  versions: { node: VERSION, modules: "127" },
  arch: "wasm32",
  platform: "linux",
  release: { name: "node" },
  config: { variables: {} },
  features: {},
  argv0: "node",
  execArgv: [],
  execPath: "/usr/bin/node",
  exitCode: undefined,
  stdin: input(),
  stdout: output(1),
  stderr: output(2),
  hrtime,
  cwd: whereabouts,
  chdir(directory) {
    const path = resolve(whereabouts(), String(directory));
    let type;
    try {
      ({ type } = stat(path));
    } catch (error) {
      throw systemError(error.code, "chdir", whereabouts(), String(directory));
    }
    if (type !== "directory") throw systemError("ENOTDIR", "chdir", whereabouts(), String(directory));
    cwd = path;
  },
  exit(code = process.exitCode ?? 0) {
    process.exitCode = code;
    process.emit("exit", code);
    exitWithCode(Number(process.exitCode) & 0xff);
  },
  reallyExit: (code) => exitWithCode(Number(code ?? 0) & 0xff),
  abort: () => exitWithCode(134),
  kill: (pid, signal = "SIGTERM") => signals.kill(pid, signal),
  uptime: () => Number(time() - started) / 1e9,
  umask: () => 0o022,
  getuid: () => 1000,
  geteuid: () => 1000,
  getgid: () => 1000,
  getegid: () => 1000,
  getgroups: () => [1000],
  memoryUsage: Object.assign(() => ({ rss: rss(), heapTotal: rss(), heapUsed: rss(), external: 0, arrayBuffers: 0 }), { rss }),
  cpuUsage(before = { user: 0, system: 0 }) {
    return { user: Number(statistics()[11]) * TICK_US - before.user, system: 0 };
  },
  resourceUsage: () => ({ userCPUTime: Number(statistics()[11]) * TICK_US, systemCPUTime: 0, maxRSS: rss() / 1024 }),
  emitWarning(warning, type = "Warning") {
    const name = typeof type === "object" ? (type.type ?? "Warning") : type;
    const error = warning instanceof Error ? warning : Object.assign(new Error(warning), { name });
    if (!process.emit("warning", error)) process.stderr.write(`(node) ${error.name}: ${error.message}\n`);
  },
  getActiveResourcesInfo: () => [],
  setUncaughtExceptionCaptureCallback() {},
  hasUncaughtExceptionCaptureCallback: () => false,
  setSourceMapsEnabled() {},
  allowedNodeEnvironmentFlags: new Set(),
  report: { getReport: () => ({ header: {} }) },
  binding: absent("process.binding"),
  dlopen: absent("process.dlopen"),
};

Object.setPrototypeOf(process, Object.create(EventEmitter.prototype));
EventEmitter.call(process);
Object.assign(process, own);

/** What modules that are loaded now will find in `process.argv` when they run. */
export const argv = [];
export let pid;
export let ppid;
Object.assign(process, { argv });

onLive(() => {
  started = time();
  argv.push("/usr/bin/node", ...getArguments());
  const stat = readText("/proc/self/stat");
  pid = process.pid = Number(stat.split(" ", 1)[0]);
  ppid = process.ppid = Number(statistics(stat)[1]);
});

export const {
  abort, allowedNodeEnvironmentFlags, arch, argv0, binding, chdir, config, cpuUsage, emitWarning, env, execArgv, execPath, exit, features, getegid, geteuid,
  getgid, getgroups, getuid, kill, memoryUsage, platform, release, report, resourceUsage, stderr, stdin, stdout, title, umask, uptime, version, versions,
} = process;
export { hrtime, nextTick, whereabouts as cwd };
export const [on, once, off, emit] = ["on", "once", "off", "emit"].map((name) => process[name].bind(process));
export default process;
