/**
 * The token of a daemon on this machine that serves HTTP: the same rules as runtime/api/local_token.py.
 *
 * A daemon that listens on loopback leaves its token in the directory of the default socket, by its port, and takes it away at
 * its end. One that was killed cannot, and then another user's program may listen there. So the token is used only while
 * all that listens on the port belongs to this user: the kernel says so.
 */

import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { checkDirectory, defaultDirectory } from "./endpoint.js";
import { ConnectionError, EndpointError } from "./errors.js";

/** Characters of a token, as the daemon has it. */
const MAX_TOKEN = 1024;
/** Of a socket in /proc/net/tcp that listens (TCP_LISTEN of the kernel's tcp_states.h). */
const LISTENING = "0A";

/** Returns the token of the daemon that serves this URL. Throws ConnectionError when there is none, EndpointError when it is not to be trusted. */
export function readLocalToken(url: URL): string {
  const port = Number(url.port || 80);
  const path = join(defaultDirectory(), `http-${port}.token`);
  checkDirectory(path);
  const token = readOwn(path);
  if (token === undefined) {
    const where = `a daemon of yours writes it to ${path} when it serves HTTP`;
    throw new ConnectionError("connect_failed", `no token for ${url.host}: ${where}; else give { token } or $TORPOR_TOKEN`);
  }
  const strangers = listeners(port).filter((uid) => uid !== process.getuid?.());
  if (strangers.length > 0) {
    throw new EndpointError(`${url.host} is served by another user (uid ${strangers[0]}): the token is not sent there`);
  }
  return token;
}

/** Reads a file that only this user can have written, and nobody else can read; undefined where there is none. */
function readOwn(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw new EndpointError(`cannot read the token: ${(error as Error).message}`, error);
  }
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
      throw new EndpointError(`${path} is not a file of yours alone: remove it, and start the daemon again`);
    }
    const read = Buffer.alloc(MAX_TOKEN + 1);
    return read.toString("utf8", 0, readSync(descriptor, read)).trimEnd();
  } finally {
    closeSync(descriptor);
  }
}

/** The users of the sockets that listen on this port, at any address of this machine (proc(5), /proc/net/tcp). */
function listeners(port: number): number[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const uids: number[] = [];
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of tableLines(table)) {
      const [, local = "", , state, , , , uid] = line.trim().split(/\s+/);
      if (state === LISTENING && local.endsWith(wanted)) {
        uids.push(Number(uid));
      }
    }
  }
  return uids;
}

function tableLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if (path.endsWith("6") && (error as NodeJS.ErrnoException).code === "ENOENT") {
      return []; // a kernel without IPv6
    }
    throw new EndpointError(`cannot tell who listens: ${(error as Error).message}`, error);
  }
}
