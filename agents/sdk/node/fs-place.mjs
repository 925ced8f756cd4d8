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
  if (path === "") throw systemError("ENOENT", syscall, path, dest);
  if (!root && !isLive()) throw systemError("ENOENT", syscall, path, dest);
  root ??= getDirectories().find(([, name]) => name === "/")[0];
  try {
    return use(root, relative(path));
  } catch (error) {
    const code = error?.code ? undefined : wasiCode(error);
    if (code) throw systemError(code, syscall, path, dest);
    throw error;
  }
}

/** What a path is from the root directory. A slash at its end says that it has to be a directory. */
export function relative(path) {
  const absolute = path.startsWith("/") ? path : `${process.cwd()}/${path}`;
  return absolute.replace(/^\/+/, "") || ".";
}

/** What the component has at a path: its text, "directory", or undefined. */
export function packedAt(given) {
  if (!packed.size) return undefined;
  const path = resolve(pathOf(given));
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
