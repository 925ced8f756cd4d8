// Where files are: paths, the VM's root directory, the files that the component has in itself, and what WASI's errors are to Node.

import packed from "torpor:packed-files";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { isLive } from "../web/live.mjs";
import { Buffer } from "./buffer.mjs";
import { argumentError, systemError } from "./errors.mjs";
import { resolve } from "./path.mjs";
import { fileURLToPath } from "./url.mjs";

const CODES = {
  access: "EACCES", "bad-descriptor": "EBADF", busy: "EBUSY", "cross-device": "EXDEV", exist: "EEXIST", "file-too-large": "EFBIG",
  "insufficient-memory": "ENOMEM", "insufficient-space": "ENOSPC", invalid: "EINVAL", "is-directory": "EISDIR", loop: "ELOOP",
  "name-too-long": "ENAMETOOLONG", "no-entry": "ENOENT", "not-directory": "ENOTDIR", "not-empty": "ENOTEMPTY", "not-permitted": "EPERM",
  quota: "ENOSPC", "read-only": "EROFS", unsupported: "ENOTSUP",
};

let root;

/** Puts another descriptor in the root directory's place, until the agent runs. */
export function setRoot(descriptor) {
  root = descriptor;
}

/** The root directory, or undefined: before the agent runs there is none. */
function findRoot() {
  if (isLive()) root ??= getDirectories().find(([, name]) => name === "/")[0];
  return root;
}

/** A path as callers may give it: text, bytes or a file's URL. */
export function pathOf(given, name = "path") {
  const path = given instanceof URL ? fileURLToPath(given) : Buffer.isBuffer(given) || given instanceof Uint8Array ? Buffer.from(given).toString() : given;
  if (typeof path !== "string") throw argumentError(name, "a string, bytes or a file URL", given);
  if (path.includes("\0")) throw Object.assign(new TypeError(`The argument '${name}' must not have NULs`), { code: "ERR_INVALID_ARG_VALUE" });
  return path;
}

/** The code of what WASI has thrown, or undefined if that was something else. */
export function wasiCode(error) {
  const name = error?.payload ?? error;
  return typeof name === "string" ? (CODES[name] ?? "EIO") : undefined;
}

/** Calls `use(root directory, relative path)`. What WASI throws becomes an Error of Node's. */
export function at(syscall, given, use, dest) {
  const path = pathOf(given);
  if (path === "" || !findRoot()) throw systemError("ENOENT", syscall, path, dest);
  try {
    return use(root, relative(path));
  } catch (error) {
    const code = error?.code ? undefined : wasiCode(error);
    if (code) throw systemError(code, syscall, path, dest);
    throw error;
  }
}

/** Whether the VM has something at a path. That nothing is there is no error, which would take as long to make as all else. */
export function isThere(given) {
  const path = pathOf(given);
  if (path === "" || !findRoot()) return false;
  try {
    root.statAt({ symlinkFollow: true }, relative(path));
    return true;
  } catch {
    return false;
  }
}

/** What a path is from the root directory. A slash at its end says that it has to be a directory. */
export function relative(path) {
  const absolute = path.startsWith("/") ? path : `${process.cwd()}/${path}`;
  return absolute.replace(/^\/+/, "") || ".";
}

/** The folders of the root directory that the component has something in. */
const tops = [...new Set([...packed.keys()].map((file) => file.slice(0, file.indexOf("/", 1))))];

/** Whether a path can be told from those of the component without being resolved, which takes long. */
function isElsewhere(path) {
  return path[0] === "/" && path[1] !== "/" && path[1] !== "." && !path.includes("/..") && !tops.some((top) => path.startsWith(top));
}

/** What the component has at a path: {text}, {names} of a folder, or undefined. */
export function packedAt(given) {
  if (!packed.size) return undefined;
  const spelled = pathOf(given);
  if (isElsewhere(spelled)) return undefined;
  const path = resolve(spelled);
  const text = packed.get(path);
  if (text !== undefined) return { text };
  const names = new Map();
  for (const file of packed.keys()) {
    if (!file.startsWith(`${path}/`)) continue;
    const [name, ...below] = file.slice(path.length + 1).split("/");
    names.set(name, below.length ? "directory" : "regular-file");
  }
  return names.size && path !== "/" ? { names } : undefined;
}
