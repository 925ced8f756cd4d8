// node:os, as the VM is: a Linux of one processor.

import { readText } from "../web/files.mjs";
import { ERRNO } from "./errors.mjs";

const SIGNALS = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGIOT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11,
  SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23,
  SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26, SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31,
};

export const EOL = "\n";
export const devNull = "/dev/null";
export const constants = { signals: SIGNALS, errno: ERRNO, priority: {}, dlopen: {}, UV_UDP_REUSEADDR: 4 };

/** What /proc/sys/kernel tells. */
const kernel = (name, otherwise) => {
  try {
    return readText(`/proc/sys/kernel/${name}`).trim();
  } catch {
    return otherwise;
  }
};
/** A line of /proc/meminfo, in bytes. */
const memory = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readText("/proc/meminfo"))?.[1] ?? 0) * 1024;

export const arch = () => "wasm32";
export const machine = arch;
export const platform = () => "linux";
export const type = () => "Linux";
export const endianness = () => "LE";
export const release = () => kernel("osrelease", "6");
export const version = () => kernel("version", "");
export const hostname = () => kernel("hostname", "localhost");
export const homedir = () => process.env.HOME ?? "/home/user";
export const tmpdir = () => (process.env.TMPDIR ?? "/tmp").replace(/(?<=.)\/$/, "");
export const availableParallelism = () => 1;
export const cpus = () => [{ model: "wasm32", speed: 0, times: { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 } }];
export const totalmem = () => memory("MemTotal");
export const freemem = () => memory("MemAvailable") || memory("MemFree");
export const loadavg = () => readText("/proc/loadavg").split(" ").slice(0, 3).map(Number);
export const uptime = () => Number(readText("/proc/uptime").split(" ")[0]);
export const networkInterfaces = () => ({});
export const userInfo = () => ({ username: process.env.USER ?? "user", uid: 1000, gid: 1000, shell: process.env.SHELL ?? "/bin/sh", homedir: homedir() });
export const getPriority = () => 0;
export const setPriority = () => {};

export default {
  EOL, devNull, constants, arch, machine, platform, type, endianness, release, version, hostname, homedir, tmpdir, availableParallelism, cpus,
  totalmem, freemem, loadavg, uptime, networkInterfaces, userInfo, getPriority, setPriority,
};
