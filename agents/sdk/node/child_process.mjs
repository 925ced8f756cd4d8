// node:child_process, over torpor:posix/children: programs of the VM.

import { forget, ready } from "../web/loop.mjs";
import { writeAll } from "../web/stdio.mjs";
import { Buffer } from "./buffer.mjs";
import { MAX_BUFFER, READ_SIZE, asked, ending, failed, launch, signalNumber, standardOf } from "./child-start.mjs";
import { execFileSync, execSync, spawnSync } from "./child-sync.mjs";
import { absent, systemError } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";
import { serveKill } from "./process.mjs";
import { Readable, Writable } from "./stream.mjs";
import { promisify } from "./util.mjs";

export { execFileSync, execSync, spawnSync };

const children = new Map(); // pid -> ChildProcess

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
        await writeAll(stream, chunk);
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

export function execFile(file, ...rest) {
  const callback = typeof rest.at(-1) === "function" ? rest.pop() : () => {};
  const args = Array.isArray(rest[0]) ? rest.shift() : [];
  const { encoding = "utf8", maxBuffer = MAX_BUFFER, timeout = 0, ...options } = rest[0] ?? {};
  const child = spawn(file, args, options);
  /** Also where what it has started goes on, and has its pipes. */
  const stop = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.kill(options.killSignal);
  };
  const timer = timeout > 0 ? setTimeout(stop, timeout) : undefined;
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
      stop();
    });
  }
  child.on("error", (error) => (failure ??= error));
  child.on("close", (code, signal) => {
    clearTimeout(timer);
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

export const fork = absent("child_process.fork");

export default { ChildProcess, exec, execFile, execFileSync, execSync, fork, spawn, spawnSync };
