// Files over wasi:filesystem, with the errors that Node's callers know (code "ENOENT", and so on). Paths are absolute.

import { getDirectories } from "wasi:filesystem/preopens@0.2.12";

const READ_SIZE = 1n << 18n;
const WRITE_SIZE = 1 << 18;
const FOLLOW = { symlinkFollow: true };

const CODES = {
  access: ["EACCES", "permission denied"],
  exist: ["EEXIST", "file already exists"],
  "file-too-large": ["EFBIG", "file too large"],
  "insufficient-space": ["ENOSPC", "no space left on device"],
  quota: ["EDQUOT", "quota exceeded"],
  "is-directory": ["EISDIR", "is a directory"],
  loop: ["ELOOP", "too many symbolic links"],
  "name-too-long": ["ENAMETOOLONG", "name too long"],
  "no-entry": ["ENOENT", "no such file or directory"],
  "not-directory": ["ENOTDIR", "not a directory"],
  "not-empty": ["ENOTEMPTY", "directory not empty"],
  "not-permitted": ["EPERM", "operation not permitted"],
  "not-regular": ["EINVAL", "a device, not a file"], // not of WASI: see readBytes
  "read-only": ["EROFS", "read-only file system"],
};

let root;

/** Puts another descriptor in the root directory's place, until the agent runs. */
export function setRoot(descriptor) {
  root = descriptor;
}

/** Calls `use(root directory, relative path)`; what WASI throws becomes an Error with a code. */
function at(path, use) {
  root ??= getDirectories().find(([, name]) => name === "/")[0];
  try {
    return use(root, path.replace(/^\/+/, "") || ".");
  } catch (error) {
    const name = error?.payload ?? error;
    const [code, text] = CODES[name] ?? ["EIO", String(error?.message ?? name)];
    throw Object.assign(new Error(`${code}: ${text}: ${path}`), { code });
  }
}

/** Opens, uses, and closes a descriptor. */
function withFile(path, openFlags, flags, use) {
  return at(path, (directory, name) => {
    const file = directory.openAt(FOLLOW, name, openFlags, flags);
    try {
      return use(file);
    } finally {
      file[Symbol.dispose]();
    }
  });
}

/** Joins `path` to `base` and takes out "." and "..". */
export function resolve(base, path) {
  const out = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") out.pop();
    else if (part && part !== ".") out.push(part);
  }
  return "/" + out.join("/");
}

/** @returns {{type: "file" | "directory" | "symlink" | "other", size: number, modified: number}} of the target */
export function stat(path) {
  return at(path, (directory, name) => {
    const { type, size, dataModificationTimestamp: time } = directory.statAt(FOLLOW, name);
    return { type: kind(type), size: Number(size), modified: time ? Number(time.seconds) * 1000 : 0 };
  });
}

/** Where a symbolic link leads. @returns {string} */
export function readLink(path) {
  return at(path, (directory, name) => directory.readlinkAt(name));
}

export function exists(path) {
  try {
    stat(path);
    return true;
  } catch {
    return false;
  }
}

function kind(type) {
  return { "regular-file": "file", directory: "directory", "symbolic-link": "symlink" }[type] ?? "other";
}

/**
 * The whole file, or its first `limit` bytes. What is no regular file is refused (EISDIR, EINVAL): a device may have no end.
 * @returns {Uint8Array}
 */
export function readBytes(path, limit = Infinity) {
  return withFile(path, {}, { read: true }, (file) => {
    const type = file.getType();
    if (type === "directory") throw "is-directory";
    if (type !== "regular-file") throw "not-regular";
    const parts = [];
    let size = 0;
    while (size < limit) {
      const [bytes, end] = file.read(READ_SIZE, BigInt(size));
      parts.push(bytes);
      size += bytes.length;
      if (end || !bytes.length) break;
    }
    if (parts.length === 1) return parts[0].length > limit ? parts[0].subarray(0, limit) : parts[0];
    const whole = new Uint8Array(size);
    let to = 0;
    for (const part of parts) {
      whole.set(part, to);
      to += part.length;
    }
    return whole.subarray(0, Math.min(size, limit));
  });
}

export function readText(path) {
  return new TextDecoder().decode(readBytes(path));
}

function writeFrom(file, bytes, offset) {
  for (let at = 0; at < bytes.length; ) {
    at += Number(file.write(bytes.subarray(at, at + WRITE_SIZE), BigInt(offset + at)));
  }
}

/** Adds to a file, all or nothing: if there is no room, the file is as it was. */
function append(file, bytes, size) {
  try {
    writeFrom(file, bytes, size);
  } catch (error) {
    file.setSize(BigInt(size));
    throw error;
  }
}

/** Replaces what a file holds. If there is no room for it, the file is as it was. */
function replaceWith(file, bytes) {
  const size = Number(file.stat().size);
  append(file, bytes.subarray(size), size);
  writeFrom(file, bytes.subarray(0, size), 0);
  if (bytes.length < size) file.setSize(BigInt(bytes.length));
}

/** Creates or replaces a file; missing directories above it are made. */
export function writeBytes(path, bytes) {
  if (path.endsWith("/")) throw Object.assign(new Error(`EISDIR: is a directory: ${path}`), { code: "EISDIR" });
  makeDirectories(path.slice(0, path.lastIndexOf("/")));
  withFile(path, { create: true }, { write: true }, (file) => replaceWith(file, bytes));
}

export function writeText(path, text) {
  writeBytes(path, new TextEncoder().encode(text));
}

export function appendText(path, text) {
  const bytes = new TextEncoder().encode(text);
  withFile(path, { create: true }, { write: true }, (file) => append(file, bytes, Number(file.stat().size)));
}

export function makeDirectories(path) {
  if (!path || exists(path)) return;
  makeDirectories(path.slice(0, path.lastIndexOf("/")));
  try {
    at(path, (directory, name) => directory.createDirectoryAt(name));
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
}

/** @returns {{name: string, type: string}[]} in order of their names */
export function list(path) {
  return withFile(path, { directory: true }, { read: true }, (directory) => {
    const stream = directory.readDirectory();
    try {
      const entries = [];
      for (let entry; (entry = stream.readDirectoryEntry()); ) entries.push({ name: entry.name, type: kind(entry.type) });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    } finally {
      stream[Symbol.dispose]();
    }
  });
}
