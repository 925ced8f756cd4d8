import { methods } from "@agentclientprotocol/sdk";
import { Type } from "typebox";
import { exists, writeText } from "../../sdk/web/files.mjs";
import { MAX_LINES, answer, fitEnd } from "./limits.mjs";

const SHELLS = ["/bin/bash", "/bin/sh"];
/** Commands that run for longer are servers or hang; the model can ask for more. */
const DEFAULT_TIMEOUT_S = 120;
/** A day: nobody waits for longer, and the clock's nanoseconds have room for it. */
const MAX_TIMEOUT_S = 86_400;
/** Bytes of output that the client keeps for the file: what one reads of a log. It is all sent again at every look. */
const MAX_KEPT = 1024 * 1024;
/** What is shown of a command that runs. It is sent again and again, and kept in the transcript each time. */
const LIVE_LINES = 20;
const LIVE_BYTES = 2048;
/** The first look at a command that runs, and the longest pause between two, in milliseconds. */
const FIRST_LOOK_MS = 100;
const LONGEST_PAUSE_MS = 2000;

const terminal = methods.client.terminal;

/** The VM's shell, if it has one. */
export function findShell() {
  return SHELLS.find(exists);
}

/** Whether the promise settles within so many milliseconds; throws what it throws. */
async function settlesWithin(promise, ms) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms, false)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `show` with the end of the output whenever that is another one, until the command has ended. ACP has no way to be told. */
async function follow(ended, look, show) {
  let shown = "";
  for (let pause = FIRST_LOOK_MS; !(await settlesWithin(ended, pause)); pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const end = fitEnd((await look()).output, LIVE_LINES, LIVE_BYTES);
    if (end === shown) continue;
    shown = end;
    show(end);
  }
}

/** Output as the model gets it: of a long one the end, and where the rest is. */
function fitted({ output, truncated }) {
  const end = fitEnd(output);
  if (end === output && !truncated) return output;
  const path = `/tmp/bash-${crypto.randomUUID().slice(0, 8)}.txt`;
  const all = truncated ? `the last ${MAX_KEPT / 1024} KiB are in ${path}, what came before is lost` : `all of it is in ${path}`;
  try {
    writeText(path, output);
  } catch (error) {
    return `(this is only the end: the rest could not be kept: ${error.message})\n${end}`;
  }
  return `(this is only the end: ${all})\n${end}`;
}

export const bash = {
  name: "bash",
  summary: "run a command in the shell",
  label: "Bash",
  kind: "execute",
  description: `Run a command in the shell, in the working directory. The answer is its output, stdout and stderr together, and its exit code if that is not 0. Of long output the last ${MAX_LINES} lines or 50 KiB are shown, and the answer names a file that has the rest. Stdin is empty. What runs in the background ends with the command. Default timeout: ${DEFAULT_TIMEOUT_S} s.`,
  parameters: Type.Object({
    command: Type.String({ description: "The command line" }),
    timeout: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_S, description: "Seconds" })),
  }),
  title: ({ command }) => command,

  async run({ command, timeout = DEFAULT_TIMEOUT_S }, { client, sessionId, cwd, signal, onUpdate }) {
    const request = (method, params) => client.request(method, { sessionId, ...params });
    const { terminalId } = await request(terminal.create, {
      command: findShell(),
      args: ["-c", command],
      cwd,
      outputByteLimit: MAX_KEPT,
    });
    let stopped = "";
    const stop = (reason) => {
      stopped ||= reason;
      request(terminal.kill, { terminalId }).catch(() => {}); // it has ended by itself
    };
    const onAbort = () => stop("cancelled");
    const timer = setTimeout(() => stop(`stopped after ${timeout} s`), timeout * 1000);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    try {
      const ended = request(terminal.waitForExit, { terminalId });
      const look = () => request(terminal.output, { terminalId });
      await follow(ended, look, (text) => onUpdate?.(answer(text)));
      const { exitCode, signal: killedBy } = await ended;
      const how = stopped || (killedBy ? `ended by ${killedBy}` : `exit code ${exitCode}`);
      const hasFailed = stopped || killedBy || exitCode; // now: the clock may still say that it took too long
      const output = fitted(await look());
      if (hasFailed) throw new Error(`${output}${output && !output.endsWith("\n") ? "\n" : ""}(${how})`);
      return answer(output || "(no output)");
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      await request(terminal.release, { terminalId }).catch(() => {});
    }
  },
};
