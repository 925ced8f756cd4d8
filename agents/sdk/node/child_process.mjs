// node:child_process, over torpor:posix/children: programs of the VM.

import { poll } from "wasi:io/poll@0.2.12";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { spawn as start } from "torpor:posix/children@0.1.0";
import { forget, ready } from "../web/loop.mjs";
import { Buffer } from "./buffer.mjs";
import { absent, argumentError, systemError } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";
import { statSync } from "./fs-sync.mjs";
import { constants } from "./os.mjs";
import { resolve } from "./path.mjs";
import { serveKill } from "./process.mjs";
import { Readable, Writable } from "./stream.mjs";
import { promisify } from "./util.mjs";

const READ_SIZE = 65536n;
const STANDARD = ["stdin", "stdout", "stderr"];
const DEFAULT_PATH = "/bin";
/** Node's own default of exec and execFile, in bytes. */
const MAX_BUFFER = 1024 * 1024;

const children = new Map(); // pid -> ChildProcess

const signalNumber = (signal) => {
  const number = typeof signal === "number" ? signal : constants.signals[signal];
  if (number === undefined) throw Object.assign(new TypeError(`Unknown signal: ${signal}`), { code: "ERR_UNKNOWN_SIGNAL" });
  return number;
};
const signalName = (number) => Object.keys(constants.signals).find((name) => constants.signals[name] === number) ?? null;

/** A wait status as Node tells it: {code, signal}. */
const ending = (status) => (status & 0x7f ? { code: null, signal: signalName(status & 0x7f) } : { code: (status >> 8) & 0xff, signal: null });

/** `stdio` as the interface has it, for each of the three streams. */
function standardOf(stdio = "pipe") {
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
function launch(command, args, { cwd, env = process.env, stdio, detached = false, argv0 } = {}) {
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
function asked(command, args, options) {
  if (typeof command !== "string" || !command) throw argumentError("file", "a text that is not empty", command);
  if (!Array.isArray(args)) [args, options] = [[], args ?? options];
  const { shell } = options ?? {};
  if (!shell) return [command, args.map(String), options ?? {}];
  return [shell === true ? "/bin/sh" : shell, ["-c", [command, ...args].join(" ")], options];
}

/** What a child writes. */
function outputOf(stream) {
  const pollable = stream.subscribe();
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    forget(pollable);
    pollable[Symbol.dispose]();
    stream[Symbol.dispose]();
  };
  return new Readable({
    async read() {
      while (open) {
        let bytes;
        try {
          bytes = stream.read(READ_SIZE);
        } catch {
          close();
          this.push(null);
          return;
        }
        if (bytes.length) {
          this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
          return;
        }
        await ready(pollable);
      }
    },
    destroy(error, callback) {
      close();
      callback(error);
    },
  });
}

/** What a child reads. */
function inputOf(stream) {
  let open = true;
  const close = () => {
    if (open) stream[Symbol.dispose]();
    open = false;
  };
  return new Writable({
    async write(chunk, _encoding, callback) {
      try {
        for (let rest = chunk; open && rest.length; ) {
          const room = Number(stream.checkWrite());
          if (room) {
            stream.write(rest.subarray(0, room));
            rest = rest.subarray(room);
          } else {
            const pollable = stream.subscribe();
            await ready(pollable);
            pollable[Symbol.dispose]();
          }
        }
        callback();
      } catch {
        callback(systemError("EPIPE", "write"));
      }
    },
    final(callback) {
      close();
      callback();
    },
    destroy(error, callback) {
      close();
      callback(error);
    },
  });
}

export class ChildProcess extends EventEmitter {
  #child;
  stdin = null;
  stdout = null;
  stderr = null;
  pid = undefined;
  exitCode = null;
  signalCode = null;
  killed = false;
  connected = false;

  constructor(command, args, options) {
    super();
    this.spawnfile = command;
    this.spawnargs = [command, ...args];
    try {
      this.#child = launch(command, args, options);
    } catch (error) {
      if (!error.syscall) throw error;
      this.#failed(error);
      return;
    }
    this.pid = this.#child.pid();
    children.set(this.pid, this);
    const ends = [this.#child.stdin(), this.#child.stdout(), this.#child.stderr()];
    if (ends[0]) this.stdin = inputOf(ends[0]);
    if (ends[1]) this.stdout = outputOf(ends[1]);
    if (ends[2]) this.stderr = outputOf(ends[2]);
    // It may have ended already, and nobody has had the time to listen.
    process.nextTick(() => {
      this.emit("spawn");
      this.#follow();
    });
  }

  get stdio() {
    return [this.stdin, this.stdout, this.stderr];
  }

  /** Node has streams for a child that could not be started, too: they are at their end. */
  #failed(error) {
    const [stdin, stdout, stderr] = standardOf();
    if (stdin) this.stdin = new Writable({ write: (_chunk, _encoding, callback) => callback() });
    if (stdout) this.stdout = Readable.from([]);
    if (stderr) this.stderr = Readable.from([]);
    this.exitCode = error.errno;
    process.nextTick(() => {
      this.emit("error", error);
      this.emit("close", error.errno, null);
    });
  }

  async #follow() {
    const pollable = this.#child.subscribe();
    let status;
    while ((status = this.#child.status()) == null) await ready(pollable);
    pollable[Symbol.dispose]();
    const { code, signal } = ending(status);
    Object.assign(this, { exitCode: code, signalCode: signal });
    this.stdin?.destroy();
    this.emit("exit", code, signal);
    // What it has started may still write. Output that nobody has asked for keeps nobody waiting.
    for (const stream of [this.stdout, this.stderr]) if (stream?.readableFlowing === null) stream.resume();
    await Promise.all([this.stdout, this.stderr].map((stream) => stream && !stream.closed && new Promise((done) => stream.once("close", done))));
    children.delete(this.pid);
    this.#child[Symbol.dispose]();
    setImmediate(() => this.emit("close", code, signal));
  }

  kill(signal = "SIGTERM") {
    const sent = this.signal(signalNumber(signal), false);
    if (sent) this.killed = true;
    return sent;
  }

  /** Whether there was somebody to be signalled. */
  signal(number, group) {
    if (!children.has(this.pid)) return false;
    try {
      this.#child.kill(number, group);
      return true;
    } catch {
      return false;
    }
  }

  ref() {}
  unref() {}
  disconnect() {}
  [Symbol.dispose ?? Symbol.for("dispose")]() {
    if (this.exitCode === null) this.kill();
  }
}

serveKill((pid, signal) => {
  const child = children.get(Math.abs(pid));
  if (!child) throw systemError("ESRCH", "kill");
  if (!child.signal(signalNumber(signal), pid < 0)) throw systemError("ESRCH", "kill");
  return true;
});

export function spawn(command, given, options) {
  const [file, args, chosen] = asked(command, given, options);
  const child = new ChildProcess(file, args, chosen);
  const { signal, timeout, killSignal = "SIGTERM" } = chosen;
  const stop = () => child.kill(killSignal);
  const timer = timeout > 0 ? setTimeout(stop, timeout) : undefined;
  const onAbort = () => {
    stop();
    child.emit("error", Object.assign(new Error("The operation was aborted", { cause: signal.reason }), { name: "AbortError", code: "ABORT_ERR" }));
  };
  if (signal?.aborted) process.nextTick(onAbort);
  else signal?.addEventListener("abort", onAbort, { once: true });
  child.once("exit", () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  });
  return child;
}

/** The error of a command that did not end well. */
function failed({ code, signal, killed = false, stderr = "" }, words, error) {
  if (!error && code === 0) return null;
  const line = words.join(" ");
  return Object.assign(error ?? new Error(`Command failed: ${line}${stderr.length ? `\n${stderr}` : ""}`), { code: error?.code ?? code, killed, signal, cmd: line });
}

export function execFile(file, ...rest) {
  const callback = typeof rest.at(-1) === "function" ? rest.pop() : () => {};
  const args = Array.isArray(rest[0]) ? rest.shift() : [];
  const { encoding = "utf8", maxBuffer = MAX_BUFFER, ...options } = rest[0] ?? {};
  const child = spawn(file, args, options);
  const parts = { stdout: [], stderr: [] };
  let failure;
  for (const name of ["stdout", "stderr"]) {
    let size = 0;
    child[name]?.on("data", (chunk) => {
      const room = maxBuffer - size;
      size += chunk.length;
      parts[name].push(chunk.subarray(0, Math.max(0, room)));
      if (size <= maxBuffer || failure) return;
      failure = Object.assign(new RangeError(`${name} maxBuffer length exceeded`), { code: "ERR_CHILD_PROCESS_STDIO_MAXBUFFER" });
      child.kill(options.killSignal);
    });
  }
  child.on("error", (error) => (failure ??= error));
  child.on("close", (code, signal) => {
    const [stdout, stderr] = [parts.stdout, parts.stderr].map((all) => {
      const whole = Buffer.concat(all);
      return encoding && encoding !== "buffer" ? whole.toString(encoding) : whole;
    });
    callback(failed({ code, signal, killed: child.killed, stderr }, [file, ...args], failure), stdout, stderr);
  });
  return child;
}

export const exec = (command, ...rest) => {
  const callback = typeof rest.at(-1) === "function" ? rest.pop() : undefined;
  return execFile(command, { shell: true, ...rest[0] }, callback ?? (() => {}));
};

const told = (run) => (...args) => {
  let child;
  const promise = new Promise((done, fail) => {
    child = run(...args, (error, stdout, stderr) => (error ? fail(Object.assign(error, { stdout, stderr })) : done({ stdout, stderr })));
  });
  return Object.assign(promise, { child });
};
execFile[promisify.custom] = told(execFile);
exec[promisify.custom] = told(exec);

/** Runs a program while everything else waits. */
export function spawnSync(command, given, options) {
  const [file, args, chosen] = asked(command, given, options);
  const { input, encoding, timeout, killSignal = "SIGTERM", maxBuffer = MAX_BUFFER } = chosen;
  let child;
  try {
    child = launch(file, args, chosen);
  } catch (error) {
    if (!error.syscall) throw error;
    return { pid: 0, status: null, signal: null, output: null, stdout: null, stderr: null, error };
  }
  const pid = child.pid();
  const { parts, error } = gather(child, { input: input === undefined ? undefined : Buffer.from(input), timeout, killSignal, maxBuffer });
  const { code, signal } = ending(child.status());
  child[Symbol.dispose]();
  const [stdout, stderr] = parts.map((all) => {
    if (!all) return null;
    const whole = Buffer.concat(all);
    return encoding && encoding !== "buffer" ? whole.toString(encoding) : whole;
  });
  const result = { pid, status: code, signal, output: [null, stdout, stderr], stdout, stderr };
  if (error) result.error = error;
  return result;
}

/** Writes what a child is to read, and reads what it writes, until it has ended and nobody writes any more. */
function gather(child, { input, timeout, killSignal, maxBuffer }) {
  let stdin = child.stdin();
  const outputs = [child.stdout(), child.stderr()];
  const parts = outputs.map((stream) => stream && []);
  const sizes = [0, 0];
  let rest = input ?? Buffer.alloc(0);
  let error;
  const stop = (reason) => {
    error ??= reason;
    try {
      child.kill(signalNumber(killSignal), false);
    } catch {
      // it has ended
    }
  };
  const timer = timeout > 0 ? subscribeDuration(BigInt(Math.ceil(timeout * 1e6))) : undefined;
  let late = false;
  for (;;) {
    if (stdin) {
      try {
        const room = Number(stdin.checkWrite());
        if (room && rest.length) stdin.write(rest.subarray(0, room));
        rest = rest.subarray(Math.min(room, rest.length));
      } catch {
        rest = rest.subarray(rest.length); // nobody reads it
      }
      if (!rest.length) {
        stdin[Symbol.dispose]();
        stdin = undefined;
      }
    }
    for (const [index, stream] of outputs.entries()) {
      if (!stream) continue;
      try {
        const bytes = stream.read(READ_SIZE);
        if (sizes[index] < maxBuffer) parts[index].push(Buffer.from(bytes).subarray(0, maxBuffer - sizes[index]));
        sizes[index] += bytes.length;
        if (sizes[index] > maxBuffer) stop(Object.assign(new RangeError("maxBuffer length exceeded"), { code: "ENOBUFS", errno: -105 }));
      } catch {
        stream[Symbol.dispose]();
        outputs[index] = undefined;
      }
    }
    if (child.status() != null && outputs.every((stream) => !stream)) break;
    const waits = [stdin, ...outputs].filter(Boolean).map((stream) => stream.subscribe());
    if (child.status() == null) waits.push(child.subscribe());
    const pollables = timer && !late ? [...waits, timer] : waits;
    const which = poll(pollables);
    for (const pollable of waits) pollable[Symbol.dispose]();
    if (timer && !late && which.includes(pollables.length - 1)) {
      late = true;
      stop(systemError("ETIMEDOUT", "spawnSync"));
    }
  }
  timer?.[Symbol.dispose]();
  return { parts, error };
}

export function execFileSync(file, ...rest) {
  const args = Array.isArray(rest[0]) ? rest.shift() : [];
  const options = { ...rest[0] };
  const inherits = options.stdio === undefined; // as Node has it: stderr is shown
  const result = spawnSync(file, args, options);
  if (inherits && result.stderr?.length) process.stderr.write(result.stderr);
  if (result.error || result.status !== 0) throw Object.assign(failed({ code: result.status, signal: result.signal, stderr: result.stderr ?? "" }, [file, ...args], result.error), result);
  return result.stdout;
}
export const execSync = (command, options) => execFileSync(command, { shell: true, ...options });
export const fork = absent("child_process.fork");

export default { ChildProcess, exec, execFile, execFileSync, execSync, fork, spawn, spawnSync };
