import { methods } from "@agentclientprotocol/sdk";
import { Type } from "typebox";
import { exists } from "../../sdk/web/files.mjs";
import { MAX_BYTES, answer } from "./limits.mjs";

const SHELLS = ["/bin/bash", "/bin/sh"];
/** Commands that run for longer are servers or hang; the model can ask for more. */
const DEFAULT_TIMEOUT_S = 120;

/** The VM's shell, if it has one. */
export function findShell() {
  return SHELLS.find(exists);
}

export const bash = {
  name: "bash",
  summary: "run a command in the shell",
  label: "Bash",
  kind: "execute",
  description: `Run a command in the shell, in the working directory. The answer is its output (of long output the last 50 KiB) and its exit code. Default timeout: ${DEFAULT_TIMEOUT_S} s.`,
  parameters: Type.Object({
    command: Type.String({ description: "The command line" }),
    timeout: Type.Optional(Type.Integer({ minimum: 1, description: "Seconds" })),
  }),
  title: ({ command }) => command,

  async run({ command, timeout = DEFAULT_TIMEOUT_S }, { client, sessionId, cwd, signal, onUpdate }) {
    const request = (method, params) => client.request(method, { sessionId, ...params });
    const { terminal } = methods.client;
    const { terminalId } = await request(terminal.create, {
      command: findShell(),
      args: ["-c", command],
      cwd,
      outputByteLimit: MAX_BYTES,
    });
    let stopped = "";
    const stop = (reason) => {
      stopped = reason;
      request(terminal.kill, { terminalId }).catch(() => {}); // it has ended by itself
    };
    const onAbort = () => stop("cancelled");
    const timer = setTimeout(() => stop(`stopped after ${timeout} s`), timeout * 1000);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    try {
      onUpdate?.({ content: [], details: { terminalId } });
      const { exitCode, signal: killedBy } = await request(terminal.waitForExit, { terminalId });
      const { output, truncated } = await request(terminal.output, { terminalId });
      const how = stopped || (killedBy ? `ended by ${killedBy}` : `exit code ${exitCode}`);
      const head = truncated ? "(the beginning is left out)\n" : "";
      const text = `${head}${output}${output && !output.endsWith("\n") ? "\n" : ""}(${how})`;
      if (stopped || killedBy || exitCode) throw new Error(text);
      return answer(output ? head + output : "(no output)", { terminalId });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      await request(terminal.release, { terminalId }).catch(() => {});
    }
  },
};
