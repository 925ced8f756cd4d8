// node:fs: files and directories by their names, synchronously. All else of node:fs is made of these.

import { Buffer } from "./buffer.mjs";
import { spawnSync } from "./child-sync.mjs";
import { argumentError, systemError } from "./errors.mjs";
import { constants } from "./fs-constants.mjs";
import { closeSync, openSync, readRest, timestamp, writeSync } from "./fs-files.mjs";
import { at, isThere, packedAt, pathOf, relative } from "./fs-place.mjs";
import { Dirent, packedStats, Stats } from "./fs-stats.mjs";
import { dirname, join, resolve } from "./path.mjs";

const FOLLOW = { symlinkFollow: true };
const ITSELF = { symlinkFollow: false };
const MAX_LINKS = 40;
const NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const optionsOf = (options) => (typeof options === "string" ? { encoding: options } : (options ?? {}));
const inEncoding = (buffer, encoding) => (encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer);

function statWith(flags, syscall, path, options) {
  const packed = packedAt(path);
  if (packed) return packedStats(packed, options);
  try {
    return at(syscall, path, (root, name) => new Stats(root.statAt(flags, name), root.metadataHashAt(flags, name).lower, options));
  } catch (error) {
    if (options?.throwIfNoEntry === false && ["ENOENT", "ENOTDIR"].includes(error.code)) return undefined;
    throw error;
  }
}
export const statSync = (path, options) => statWith(FOLLOW, "stat", path, options);
export const lstatSync = (path, options) => statWith(ITSELF, "lstat", path, options);

export function existsSync(path) {
  try {
    return packedAt(path) !== undefined || isThere(path);
  } catch {
    return false; // it is no path
  }
}

/** All that is there can be read, written and executed, as far as WASI tells. */
export function accessSync(path) {
  if (!packedAt(path)) at("access", path, (root, name) => void root.statAt(FOLLOW, name));
}

export function readFileSync(path, options) {
  const { encoding, flag } = optionsOf(options);
  if (typeof path === "number") return inEncoding(readRest(path), encoding);
  const fd = openSync(path, flag);
  try {
    return inEncoding(readRest(fd), encoding);
  } catch (error) {
    throw error.code === "EBADF" || error.code === "EISDIR" ? systemError("EISDIR", "read") : error;
  } finally {
    closeSync(fd);
  }
}

function write(path, data, options, otherwise) {
  const { encoding, flag = otherwise, mode } = optionsOf(options);
  // Before the file is opened, which empties it.
  if (typeof data !== "string" && !ArrayBuffer.isView(data)) throw argumentError("data", "a text or bytes", data);
  const bytes = typeof data === "string" ? Buffer.from(data, encoding) : data;
  const fd = typeof path === "number" ? path : openSync(path, flag, mode);
  try {
    writeSync(fd, bytes);
  } finally {
    if (fd !== path) closeSync(fd);
  }
}
export const writeFileSync = (path, data, options) => write(path, data, options, "w");
export const appendFileSync = (path, data, options) => write(path, data, options, "a");

export function truncateSync(path, length = 0) {
  at("truncate", path, (root, name) => {
    const file = root.openAt(FOLLOW, name, {}, { write: true });
    try {
      file.setSize(BigInt(Math.max(0, length)));
    } finally {
      file[Symbol.dispose]();
    }
  });
}

export function mkdirSync(path, options) {
  if (!optionsOf(options).recursive) return at("mkdir", path, (root, name) => root.createDirectoryAt(name.replace(/\/+$/, "")));
  const whole = resolve(pathOf(path));
  const found = statSync(whole, { throwIfNoEntry: false });
  if (found?.isDirectory()) return undefined;
  if (found) throw systemError("EEXIST", "mkdir", whole);
  const first = mkdirSync(dirname(whole), options);
  try {
    at("mkdir", whole, (root, name) => root.createDirectoryAt(name));
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  return first ?? whole;
}

export function mkdtempSync(prefix, options) {
  for (;;) {
    const drawn = crypto.getRandomValues(new Uint8Array(6));
    const path = pathOf(prefix, "prefix") + [...drawn].map((byte) => NAME[byte % NAME.length]).join("");
    try {
      mkdirSync(path);
      return inEncoding(path, optionsOf(options).encoding === "buffer" ? undefined : "");
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }
}

function entriesOf(path) {
  const packed = packedAt(path);
  if (packed?.names) return [...packed.names].map(([name, type]) => ({ name, type }));
  return at("scandir", path, (root, name) => {
    const directory = root.openAt(FOLLOW, name, { directory: true }, { read: true });
    const stream = directory.readDirectory();
    try {
      const entries = [];
      for (let entry; (entry = stream.readDirectoryEntry()); ) entries.push({ name: entry.name, type: entry.type });
      return entries;
    } finally {
      stream[Symbol.dispose]();
      directory[Symbol.dispose]();
    }
  });
}

export function readdirSync(path, options) {
  const { withFileTypes, recursive } = optionsOf(options);
  const found = [];
  const walk = (folder, prefix) => {
    for (const { name, type } of entriesOf(folder).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      found.push(withFileTypes ? new Dirent(name, type, folder) : prefix + name);
      if (recursive && type === "directory") walk(join(folder, name), `${prefix}${name}/`);
    }
  };
  walk(pathOf(path), "");
  return found;
}

export const unlinkSync = (path) => at("unlink", path, (root, name) => root.unlinkFileAt(name));

export function rmSync(path, { force = false, recursive = false } = {}) {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) {
    if (!force) throw systemError("ENOENT", "rm", pathOf(path));
  } else if (!found.isDirectory()) {
    unlinkSync(path);
  } else if (!recursive) {
    throw Object.assign(systemError("EISDIR", "rm", pathOf(path)), { code: "ERR_FS_EISDIR" });
  } else {
    for (const name of readdirSync(path)) rmSync(join(pathOf(path), name), { force, recursive });
    rmdirSync(path);
  }
}

export function rmdirSync(path, options) {
  if (options?.recursive) rmSync(path, { recursive: true });
  else at("rmdir", path, (root, name) => root.removeDirectoryAt(name.replace(/\/+$/, "")));
}

export const renameSync = (from, to) =>
  at("rename", from, (root, name) => root.renameAt(name, root, relative(pathOf(to))), pathOf(to));

export const linkSync = (from, to) => at("link", from, (root, name) => root.linkAt(ITSELF, name, root, relative(pathOf(to))), pathOf(to));

/** The target is kept as it is given: relative to the directory of the link. */
export const symlinkSync = (target, path) => at("symlink", path, (root, name) => root.symlinkAt(pathOf(target, "target"), name));

export const readlinkSync = (path, options) =>
  inEncoding(at("readlink", path, (root, name) => root.readlinkAt(name)), optionsOf(options).encoding === "buffer" ? undefined : "");

/** Without symbolic links: WASI has no such call. */
export function realpathSync(path) {
  let rest = resolve(pathOf(path)).split("/").filter(Boolean);
  let real = "";
  let links = 0;
  while (rest.length) {
    const [name, ...others] = rest;
    const here = `${real}/${name}`;
    if (lstatSync(here).isSymbolicLink()) {
      if (++links > MAX_LINKS) throw systemError("ELOOP", "realpath", pathOf(path));
      const target = resolve(real || "/", readlinkSync(here));
      real = "";
      rest = [...target.split("/").filter(Boolean), ...others];
    } else {
      real = here;
      rest = others;
    }
  }
  return real || "/";
}
realpathSync.native = realpathSync;

export function copyFileSync(from, to, mode = 0) {
  const source = openSync(from, "r");
  try {
    write(to, readRest(source), {}, mode & constants.COPYFILE_EXCL ? "wx" : "w");
  } finally {
    closeSync(source);
  }
}

export function cpSync(from, to, options = {}) {
  const { recursive = false, force = true, errorOnExist = false, dereference = false, filter = () => true } = options;
  if (!filter(from, to)) return;
  const found = dereference ? statSync(from) : lstatSync(from);
  if (found.isDirectory()) {
    if (!recursive) throw Object.assign(systemError("EISDIR", "cp", pathOf(from)), { code: "ERR_FS_EISDIR" });
    if (`${resolve(pathOf(to))}/`.startsWith(`${resolve(pathOf(from))}/`)) {
      throw Object.assign(systemError("EINVAL", "cp", pathOf(to)), { code: "ERR_FS_CP_EINVAL" }); // it would have no end
    }
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) cpSync(join(pathOf(from), name), join(pathOf(to), name), options);
    return;
  }
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (there && !force) {
    if (errorOnExist) throw Object.assign(systemError("EEXIST", "cp", pathOf(to)), { code: "ERR_FS_CP_EEXIST" });
    return;
  }
  if (!found.isSymbolicLink()) return copyFileSync(from, to);
  if (there) unlinkSync(to);
  symlinkSync(readlinkSync(from), to);
}

export const utimesSync = (path, atime, mtime) =>
  at("utime", path, (root, name) => root.setTimesAt(FOLLOW, name, timestamp(atime), timestamp(mtime)));
export const lutimesSync = (path, atime, mtime) =>
  at("lutime", path, (root, name) => root.setTimesAt(ITSELF, name, timestamp(atime), timestamp(mtime)));

/** WASI has no permission bits. That a file can be run as a program is what the VM's own `chmod` says; see fchmodSync for the rest. */
export const chmodSync = (path, mode) =>
  at("chmod", path, (root, name) => {
    const { type } = root.statAt(FOLLOW, name);
    const bits = typeof mode === "string" ? parseInt(mode, 8) : mode;
    if (type === "regular-file" && bits & 0o111) spawnSync("/usr/bin/chmod", [bits.toString(8), "--", resolve(pathOf(path))]);
  });
export const chownSync = (path) => at("chown", path, (root, name) => void root.statAt(FOLLOW, name));
export const lchownSync = (path) => at("lchown", path, (root, name) => void root.statAt(ITSELF, name));

export function opendirSync(path) {
  const entries = readdirSync(path, { withFileTypes: true });
  const closed = () => {};
  return {
    path: pathOf(path),
    readSync: () => entries.shift() ?? null,
    read: async () => entries.shift() ?? null,
    closeSync: closed,
    close: async () => {},
    async *[Symbol.asyncIterator]() {
      while (entries.length) yield entries.shift();
    },
  };
}

