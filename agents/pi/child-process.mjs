// In the place of pi's child-process.js, by which a command that a signal has ended has ended well, and which waits for the rest of
// its output a tenth of a second by the clock, however busy the machine is.

import { constants } from "node:os";

/** What has inherited a command's output may keep it open for ever: so long nothing must have come after the command's end. */
const QUIET_MS = 100;

export const shouldUseWindowsShell = () => false;

/** Waits for a command and its output. @returns {Promise<number>} its exit code, as a shell tells it where it was a signal */
export function waitForChildProcess(child) {
  return new Promise((resolve, reject) => {
    let timer;
    const outputs = [child.stdout, child.stderr].filter(Boolean);
    const codeOf = (code, signal) => code ?? 128 + (constants.signals[signal] ?? 0);
    child.once("error", reject);
    child.once("close", (...ended) => {
      clearTimeout(timer);
      resolve(codeOf(...ended));
    });
    child.once("exit", (...ended) => {
      const leave = () => {
        for (const output of outputs) output.destroy();
        resolve(codeOf(...ended));
      };
      // The second wait gives what is there already its turn.
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => (timer = setTimeout(leave, 1)), QUIET_MS);
      };
      for (const output of outputs) output.on("data", wait);
      wait();
    });
  });
}
