// node:fs: open files by their numbers. Each has an offset of its own; positions that are given do not move it.

import { Buffer } from "./buffer.mjs";
import { argumentError, systemError } from "./errors.mjs";
import { constants, flagsOf } from "./fs-constants.mjs";
import { at, packedAt, pathOf, wasiCode } from "./fs-place.mjs";
import { Stats, packedStats, pipeStats } from "./fs-stats.mjs";
import { isStandard, readNow, standard, writeNow } from "./standard.mjs";
import { forget, ready } from "../web/loop.mjs";

const READ_SIZE = 1 << 18;
const FIRST = 3;

// number -> {file, offset, append, path}, or {packed, offset} for what the component has in itself, or {standard} for stdin and the like
const files = new Map([0, 1, 2].map((fd) => [fd, { standard: fd }]));

/** Whether there may be nothing to read yet. */
const isDevice = (entry) => (entry.device ??= entry.standard === 0 || entry.file?.getType() === "character-device");

function fileOf(fd, syscall) {
  if (typeof fd !== "number") throw argumentError("fd", "a number", fd);
  const found = files.get(fd);
  if (!found) throw systemError("EBADF", syscall);
  return found;
}

function guarded(syscall, use) {
  try {
    return use();
  } catch (error) {
    const code = error?.code ? undefined : wasiCode(error);
    throw code ? systemError(code, syscall) : error;
  }
}

function keep(entry) {
  let fd = FIRST;
  while (files.has(fd)) fd++;
  files.set(fd, { offset: 0, ...entry });
  return fd;
}

export function openSync(path, flags, _mode) {
  const bits = flagsOf(flags);
  const way = bits & 3;
  const packed = way === constants.O_RDONLY ? packedAt(path) : undefined;
  if (packed?.text !== undefined) return keep({ packed: Buffer.from(packed.text), path: pathOf(path) });
  const has = (flag) => (bits & flag) !== 0;
  const open = { create: has(constants.O_CREAT), exclusive: has(constants.O_EXCL), truncate: has(constants.O_TRUNC), directory: has(constants.O_DIRECTORY) };
  const how = { read: way !== constants.O_WRONLY, write: way !== constants.O_RDONLY };
  const file = at("open", path, (root, name) => root.openAt({ symlinkFollow: !has(constants.O_NOFOLLOW) }, name, open, how));
  return keep({ file, append: has(constants.O_APPEND), path: pathOf(path) });
}

export function closeSync(fd) {
  const entry = fileOf(fd, "close");
  if (isStandard(fd)) return; // `process` still has it
  files.delete(fd);
  entry.closed = true;
  if (entry.pollable) forget(entry.pollable);
  for (const each of [entry.pollable, entry.stream, entry.file]) each?.[Symbol.dispose]();
}

/** Fills as much of `bytes` as there is, with a device as it has at once. @returns {number} bytes read, 0 at the end */
function fill(entry, bytes, position) {
  const { file, packed } = entry;
  if (entry.standard !== undefined) {
    const part = readNow(Math.min(READ_SIZE, bytes.length));
    bytes.set(part);
    return part.length;
  }
  if (packed) {
    const part = packed.subarray(position, position + bytes.length);
    bytes.set(part);
    return part.length;
  }
  let count = 0;
  while (count < bytes.length) {
    const [data, end] = file.read(BigInt(Math.min(READ_SIZE, bytes.length - count)), BigInt(position + count));
    bytes.set(data, count);
    count += data.length;
    if (end || !data.length || isDevice(entry)) break;
  }
  return count;
}

/** The same of a device such as /dev/stdin, while all else goes on. */
async function fillLater(entry, bytes) {
  entry.stream ??= entry.standard === 0 ? standard(0) : entry.file.readViaStream(0n);
  entry.pollable ??= entry.stream.subscribe();
  while (bytes.length) {
    let data;
    try {
      data = entry.stream.read(BigInt(Math.min(READ_SIZE, bytes.length)));
    } catch (error) {
      if (error?.payload?.tag === "last-operation-failed") throw systemError("EIO", "read");
      return 0; // the end
    }
    if (data.length) {
      bytes.set(data);
      return data.length;
    }
    await ready(entry.pollable);
    if (entry.closed) throw systemError("EBADF", "read");
  }
  return 0;
}

function viewOf(buffer, offset = 0, length = buffer.byteLength - offset) {
  if (!ArrayBuffer.isView(buffer)) throw argumentError("buffer", "bytes", buffer);
  if (offset < 0 || length < 0 || offset + length > buffer.byteLength) {
    throw Object.assign(new RangeError(`${length} bytes from ${offset} on are not all in a buffer of ${buffer.byteLength}`), { code: "ERR_OUT_OF_RANGE" });
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset + offset, length);
}

/** (fd, buffer, offset, length, position) or (fd, buffer, {offset, length, position}) */
function wanted(fd, buffer, offset, length, position) {
  if (offset !== null && typeof offset === "object") ({ offset, length, position } = offset);
  const entry = fileOf(fd, "read");
  return { entry, bytes: viewOf(buffer, offset ?? undefined, length ?? undefined), position: position == null || position < 0 ? undefined : Number(position) };
}

export function readSync(...args) {
  const { entry, bytes, position } = wanted(...args);
  const count = guarded("read", () => fill(entry, bytes, position ?? entry.offset));
  if (position === undefined) entry.offset += count;
  return count;
}

/** The same, or a promise of it. */
export function readLater(...args) {
  const { entry, bytes } = wanted(...args);
  return isDevice(entry) ? fillLater(entry, bytes) : readSync(...args);
}

/** writeSync(fd, bytes, offset, length, position), (fd, bytes, {offset, length, position}) or (fd, text, position, encoding) */
export function writeSync(fd, data, offset, length, position) {
  const entry = fileOf(fd, "write");
  let bytes;
  if (typeof data === "string") {
    bytes = Buffer.from(data, typeof length === "string" ? length : "utf8");
    position = offset;
  } else {
    if (offset !== null && typeof offset === "object") ({ offset, length, position } = offset);
    bytes = viewOf(data, offset ?? undefined, length ?? undefined);
  }
  if (entry.standard !== undefined) {
    writeNow(fd, bytes);
    return bytes.length;
  }
  if (!entry.file) throw systemError("EBADF", "write");
  const here = typeof position !== "number" && typeof position !== "bigint";
  return guarded("write", () => {
    const from = entry.append ? Number(entry.file.stat().size) : here ? entry.offset : Number(position);
    let count = 0;
    while (count < bytes.length) count += Number(entry.file.write(bytes.subarray(count, count + READ_SIZE), BigInt(from + count)));
    if (here) entry.offset = from + count;
    return count;
  });
}

/** All that is left of a file. What is no regular file is read up to where it ends. */
export function readRest(fd) {
  const entry = fileOf(fd, "read");
  const parts = [];
  for (;;) {
    const part = Buffer.alloc(READ_SIZE);
    const count = guarded("read", () => fill(entry, part, entry.offset));
    entry.offset += count;
    if (!count) return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts.push(part.subarray(0, count));
  }
}

/** The same, or a promise of it. */
export function readRestLater(fd) {
  const entry = fileOf(fd, "read");
  return isDevice(entry) ? restOf(entry) : readRest(fd);
}

async function restOf(device) {
  const parts = [];
  for (;;) {
    const part = Buffer.alloc(READ_SIZE);
    const count = await fillLater(device, part);
    if (!count) return Buffer.concat(parts);
    parts.push(part.subarray(0, count));
  }
}

export function fstatSync(fd, options) {
  const { file, packed, standard } = fileOf(fd, "fstat");
  if (standard !== undefined) return pipeStats(options);
  if (packed) return packedStats({ text: packed.toString() }, options);
  return guarded("fstat", () => new Stats(file.stat(), file.metadataHash().lower, options));
}

export function ftruncateSync(fd, length = 0) {
  const { file } = fileOf(fd, "ftruncate");
  guarded("ftruncate", () => file.setSize(BigInt(Math.max(0, length))));
}

export function fsyncSync(fd) {
  const { file } = fileOf(fd, "fsync");
  if (file) guarded("fsync", () => file.sync());
}
export const fdatasyncSync = fsyncSync;

export function futimesSync(fd, atime, mtime) {
  const { file } = fileOf(fd, "futime");
  guarded("futime", () => file.setTimes(timestamp(atime), timestamp(mtime)));
}

/** Times as callers give them: a Date, seconds, or text of these. */
export function timestamp(given) {
  const ms = given instanceof Date ? given.getTime() : Number(given) * 1000;
  if (!Number.isFinite(ms)) throw argumentError("time", "a date or a number of seconds", given);
  const seconds = Math.floor(ms / 1000);
  return { tag: "timestamp", val: { seconds: BigInt(seconds), nanoseconds: Math.round((ms - seconds * 1000) * 1e6) } };
}

/** There are no permission bits in WASI, and one user in a VM: these say whether the file is there, and change nothing. */
export const fchmodSync = (fd) => void fileOf(fd, "fchmod");
export const fchownSync = (fd) => void fileOf(fd, "fchown");
