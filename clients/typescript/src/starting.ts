/** A daemon for a program that finds none: `torpor start` starts one, one only however many programs ask at once. */

import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { ConnectionError } from "./errors.js";

/** For `torpor start`, which itself gives a daemon half a minute, and a program before it as long. */
const START_MS = 90_000;
/** Characters of what it says when it fails, at the end. */
const MAX_SAID = 2_000;

/**
 * Starts a daemon at this socket, where connecting has failed with `failure`. Rejects with ConnectionError: where a daemon is not
 * what is missing, where there is no `torpor` on the PATH, and where it fails.
 */
export async function startDaemon(path: string, failure: ConnectionError): Promise<void> {
  const code = (failure.cause as NodeJS.ErrnoException | undefined)?.code;
  if (code !== "ENOENT" && code !== "ECONNREFUSED") {
    throw failure;
  }
  const program = findProgram();
  if (program === undefined) {
    const remedy = "`torpor` is not on the PATH, so that none was started; install it, or start one by `torpor serve`";
    throw new ConnectionError("connect_failed", `${failure.message}; ${remedy}`, failure.cause);
  }
  const reason = await run(program, ["start", "--socket", path]);
  if (reason !== undefined) {
    throw new ConnectionError("connect_failed", `${failure.message}, and \`torpor start\` failed: ${reason}`, failure.cause);
  }
}

function findProgram(): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).filter(Boolean).map((folder) => join(folder, "torpor"));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** Runs a program to its end; returns why it has failed, if it has. */
function run(program: string, words: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
    const timer = setTimeout(() => child.kill(), START_MS);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-MAX_SAID)));
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const reason = said.replace(/^torpor: /gm, "").trim() || `it ended with ${code ?? signal}`;
      resolve(code === 0 ? undefined : reason);
    });
  });
}
