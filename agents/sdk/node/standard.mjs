// The standard streams of the process, as bytes, for who waits for them and has everything else wait.

import { getStderr } from "wasi:cli/stderr@0.2.12";
import { getStdin } from "wasi:cli/stdin@0.2.12";
import { getStdout } from "wasi:cli/stdout@0.2.12";
import { isLive } from "../web/live.mjs";
import { systemError } from "./errors.mjs";

const OPEN = [getStdin, getStdout, getStderr];
const streams = [];

export const isStandard = (fd) => fd === 0 || fd === 1 || fd === 2;

/** The stream of a descriptor, from 0 to 2. */
export const standard = (fd) => (streams[fd] ??= OPEN[fd]());

/** At most as many bytes as asked for, at least one. @returns {Uint8Array} empty at the end */
export function readNow(size) {
  try {
    return standard(0).blockingRead(BigInt(size));
  } catch {
    return new Uint8Array();
  }
}

/** Writes all of it, as Node does to pipes and files: the guest waits where there is no room. */
export function writeNow(fd, bytes) {
  if (!isLive()) return;
  const stream = standard(fd);
  try {
    for (let rest = bytes; rest.length; ) {
      const room = Number(stream.checkWrite());
      if (!room) {
        const pollable = stream.subscribe();
        pollable.block();
        pollable[Symbol.dispose]();
        continue;
      }
      stream.write(rest.subarray(0, room));
      rest = rest.subarray(room);
    }
  } catch {
    throw systemError("EPIPE", "write");
  }
}
