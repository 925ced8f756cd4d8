// How programs of the VM are started, and how it is told how they end: what node:child_process is made of.

import { spawn as start } from "torpor:posix/children@0.1.0";
import { absent, argumentError, systemError } from "./errors.mjs";
import { statSync } from "./fs-sync.mjs";
import { constants } from "./os.mjs";
import { resolve } from "./path.mjs";

export const READ_SIZE = 65536n;
const STANDARD = ["stdin", "stdout", "stderr"];
const DEFAULT_PATH = "/bin";
/** Node's own default of exec and execFile, in bytes. */
export const MAX_BUFFER = 1024 * 1024;

export const signalNumber = (signal) => {
  const number = typeof signal === "number" ? signal : constants.signals[signal];
  if (number === undefined) throw Object.assign(new TypeError(`Unknown signal: ${signal}`), { code: "ERR_UNKNOWN_SIGNAL" });
  return number;
};
const signalName = (number) => Object.keys(constants.signals).find((name) => constants.signals[name] === number) ?? null;

/** A wait status as Node tells it: {code, signal}. */
export const ending = (status) => (status & 0x7f ? { code: null, signal: signalName(status & 0x7f) } : { code: (status >> 8) & 0xff, signal: null });

/** `stdio` as the interface has it, for each of the three streams. */
export function standardOf(stdio = "pipe") {
  const wanted = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  if (wanted.slice(3).some((one) => one != null && one !== "ignore")) throw absent("a fourth stream of a child")();
  return STANDARD.map((name, fd) => {
    const one = wanted[fd] ?? "pipe";
    const number = typeof one === "number" ? one : one?.fd;
    if (one === "pipe" || one === "overlapped") return "pipe";
    if (one === "ignore") return "none";
    if (one === "inherit" || number === fd) return "inherit";
    if (fd === 2 && number === 1) return "merge";
    throw absent(`stdio ${typeof one === "string" ? one : (number ?? typeof one)} for a child's ${name}`)();
  });
}

/** The path of a command: itself if it has a slash, else in the directories of PATH. */
function find(command, env, cwd) {
  if (command.includes("/")) return command;
  for (const folder of (env.PATH ?? DEFAULT_PATH).split(":")) {
    const path = resolve(cwd, folder, command);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  }
  return undefined;
}

/** Starts a program; throws Node's error. */
export function launch(command, args, { cwd, env = process.env, stdio, detached = false, argv0 } = {}) {
  const directory = cwd instanceof URL ? decodeURIComponent(cwd.pathname) : String(cwd ?? process.cwd());
  const failure = (code) => Object.assign(systemError(code, `spawn ${command}`), { path: command, spawnargs: args });
  const path = find(command, env, directory);
  if (!path) throw failure("ENOENT");
  const [stdin, stdout, stderr] = standardOf(stdio);
  try {
    return start(path, {
      arguments: [argv0 ?? command, ...args],
      environment: Object.entries(env).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]),
      directory, ownGroup: Boolean(detached), stdin, stdout, stderr,
    });
  } catch (error) {
    const { name, message } = error?.payload ?? {};
    if (!name) throw error;
    throw Object.assign(failure(name), { cause: message });
  }
}

/** spawn's arguments in their forms. With a shell the command is a line for it. */
export function asked(command, args, options) {
  if (typeof command !== "string" || !command) throw argumentError("file", "a text that is not empty", command);
  if (!Array.isArray(args)) [args, options] = [[], args ?? options];
  const { shell } = options ?? {};
  if (!shell) return [command, args.map(String), options ?? {}];
  return [shell === true ? "/bin/sh" : shell, ["-c", [command, ...args].join(" ")], options];
}

/** The error of a command that did not end well. */
export function failed({ code, signal, killed = false, stderr = "" }, words, error) {
  if (!error && code === 0) return null;
  const line = words.join(" ");
  return Object.assign(error ?? new Error(`Command failed: ${line}${stderr.length ? `\n${stderr}` : ""}`), { code: error?.code ?? code, killed, signal, cmd: line });
}
