// The part of node:child_process that has everything else wait.

import { poll } from "wasi:io/poll@0.2.12";
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";
import { Buffer } from "./buffer.mjs";
import { MAX_BUFFER, READ_SIZE, asked, ending, failed, launch, signalNumber } from "./child-start.mjs";
import { systemError } from "./errors.mjs";

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
    // Who was stopped may have started others, which still have the pipes.
    if (child.status() != null && (error || outputs.every((stream) => !stream))) break;
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
  for (const rest of [stdin, ...outputs, timer]) rest?.[Symbol.dispose]();
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
