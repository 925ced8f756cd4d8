/**
 * Where the daemon is: the same rules as the daemon's own, see "Transport" of the session API.
 *
 * `$TORPOR_SOCKET`, else `$XDG_RUNTIME_DIR/torpor/torpor.sock`, else `torpor-<uid>/torpor.sock` under the temp dir. Anybody
 * may create things in the temp dir, so that the directory there is trusted only after a look at its owner, its mode and
 * what it is: a client that did not look would hand its API keys to whoever was first to bind.
 */

import { accessSync, constants, lstatSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { EndpointError } from "./errors.js";

const SOCKET_NAME = "torpor.sock";
/** Bytes: sockaddr_un.sun_path has 108, of which one is the NUL (unix(7)). */
const MAX_PATH = 107;
/** JSON-RPC over WebSocket is served here. */
const WEB_PATH = "/rpc";

export interface UnixEndpoint {
  kind: "unix";
  path: string;
}

export interface WebEndpoint {
  kind: "web";
  /** `ws:` or `wss:`. */
  url: URL;
  /** Undefined where it is looked for with each connection: of a daemon on this machine (`readLocalToken`). */
  token: string | undefined;
}

export type Endpoint = UnixEndpoint | WebEndpoint;

/**
 * Returns the endpoint for what a user gave: a path, `unix:///path`, `http://host:port`, or nothing for the default socket.
 * The token, `$TORPOR_TOKEN` unless given, is for the web only; a daemon on this machine needs none to be given. Throws
 * EndpointError.
 */
export function resolveEndpoint(given?: string, token?: string): Endpoint {
  if (given !== undefined && given.includes("://") && !given.startsWith("unix://")) {
    return webEndpoint(given, token || process.env.TORPOR_TOKEN);
  }
  const path = resolve(given === undefined ? defaultPath() : given.replace(/^unix:\/\//, ""));
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new EndpointError(`the socket path is longer than ${MAX_PATH} bytes: ${path}`);
  }
  return { kind: "unix", path };
}

function webEndpoint(given: string, token: string | undefined): Endpoint {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new EndpointError(`not an endpoint: ${given}; a path, unix:///PATH or http://HOST:PORT is expected`);
  }
  if (!token && (url.protocol !== "http:" || !isLoopback(url))) {
    throw new EndpointError(`${given} needs a token, which lies in \`http-token\` beside the daemon's state file`);
  }
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.pathname = url.pathname.replace(/\/(rpc)?$/, "") + WEB_PATH;
  return { kind: "web", url, token: token || undefined };
}

/** Whether this URL leads to this machine, whoever asks. */
function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

function defaultPath(): string {
  return process.env.TORPOR_SOCKET || join(defaultDirectory(), SOCKET_NAME);
}

/** The directory of the default socket, and of the tokens of daemons that serve HTTP. */
export function defaultDirectory(): string {
  const runtimeDirectory = process.env.XDG_RUNTIME_DIR ?? "";
  // A relative one is to be ignored, says the XDG base directory specification.
  return isAbsolute(runtimeDirectory) ? join(runtimeDirectory, "torpor") : join(tempDirectory(), `torpor-${uid()}`);
}

/** Python's `tempfile.gettempdir`, which the daemon goes by; `os.tmpdir` asks in another order. */
function tempDirectory(): string {
  const { TMPDIR, TEMP, TMP } = process.env;
  const candidates = [TMPDIR, TEMP, TMP, "/tmp", "/var/tmp", "/usr/tmp"].filter((path) => path !== undefined && path !== "");
  return resolve(candidates.find((path) => isWritableDirectory(path!)) ?? ".");
}

function isWritableDirectory(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function uid(): number {
  return process.getuid?.() ?? 0;
}

/**
 * Throws EndpointError if the socket is in the default place and its directory, where it exists, is not private.
 * A directory that the user named is the user's own choice: the socket in it is 0600 all the same.
 */
export function checkDirectory(path: string): void {
  const directory = dirname(path);
  if (directory !== defaultDirectory()) {
    return;
  }
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) {
    return;
  }
  if (!found.isDirectory()) {
    throw new EndpointError(`${directory} is not a directory`);
  }
  if (found.uid !== uid()) {
    throw new EndpointError(`${directory} belongs to another user (uid ${found.uid})`);
  }
  if ((found.mode & 0o077) !== 0) {
    throw new EndpointError(
      `${directory} is open to other users: chmod 700 it, or name another place by $TORPOR_SOCKET`,
    );
  }
}
