// node:fs/promises: the synchronous functions as promises. Of files the host tells at once; devices are waited for.

import { Buffer } from "./buffer.mjs";
import { absent } from "./errors.mjs";
import { constants } from "./fs-constants.mjs";
import * as files from "./fs-files.mjs";
import { createReadStream, createWriteStream } from "./fs-streams.mjs";
import * as sync from "./fs-sync.mjs";

const promised = (use) => async (...args) => use(...args);

function encoded(buffer, options) {
  const encoding = typeof options === "string" ? options : options?.encoding;
  return encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer;
}

class FileHandle {
  constructor(fd) {
    this.fd = fd;
  }
  async read(buffer, ...rest) {
    if (!ArrayBuffer.isView(buffer)) ({ buffer = Buffer.alloc(16384), ...rest[0] } = buffer ?? {});
    return { bytesRead: await files.readLater(this.fd, buffer, ...rest), buffer };
  }
  async write(buffer, ...rest) {
    return { bytesWritten: files.writeSync(this.fd, buffer, ...rest), buffer };
  }
  async readFile(options) {
    return readFile(this.fd, options);
  }
  async writeFile(data, options) {
    sync.writeFileSync(this.fd, data, options);
  }
  async appendFile(data, options) {
    sync.appendFileSync(this.fd, data, options);
  }
  async stat(options) {
    return files.fstatSync(this.fd, options);
  }
  async truncate(length) {
    files.ftruncateSync(this.fd, length);
  }
  async sync() {
    files.fsyncSync(this.fd);
  }
  async datasync() {
    files.fsyncSync(this.fd);
  }
  async utimes(atime, mtime) {
    files.futimesSync(this.fd, atime, mtime);
  }
  async chmod() {
    files.fchmodSync(this.fd);
  }
  createReadStream(options) {
    return createReadStream(null, { ...options, fd: this.fd });
  }
  createWriteStream(options) {
    return createWriteStream(null, { ...options, fd: this.fd });
  }
  async close() {
    if (this.fd < 0) return;
    files.closeSync(this.fd);
    this.fd = -1;
  }
  [Symbol.asyncDispose ?? Symbol.for("asyncDispose")]() {
    return this.close();
  }
}

export const access = promised(sync.accessSync);
export const appendFile = (path, ...rest) => (path instanceof FileHandle ? path.appendFile(...rest) : promised(sync.appendFileSync)(path, ...rest));
export const chmod = promised(sync.chmodSync);
export const chown = promised(sync.chownSync);
export const copyFile = promised(sync.copyFileSync);
export const cp = promised(sync.cpSync);
export const lchown = promised(sync.lchownSync);
export const link = promised(sync.linkSync);
export const lstat = promised(sync.lstatSync);
export const lutimes = promised(sync.lutimesSync);
export const mkdir = promised(sync.mkdirSync);
export const mkdtemp = promised(sync.mkdtempSync);
export const open = async (...args) => new FileHandle(files.openSync(...args));
export const opendir = promised(sync.opendirSync);
export const readdir = promised(sync.readdirSync);
export async function readFile(path, options) {
  if (path instanceof FileHandle) return path.readFile(options);
  if (typeof path === "number") return encoded(await files.readRestLater(path), options);
  if (!sync.statSync(path, { throwIfNoEntry: false })?.isCharacterDevice()) return sync.readFileSync(path, options);
  const fd = files.openSync(path, options?.flag);
  try {
    return encoded(await files.readRestLater(fd), options);
  } finally {
    files.closeSync(fd);
  }
}
export const readlink = promised(sync.readlinkSync);
export const realpath = promised(sync.realpathSync);
export const rename = promised(sync.renameSync);
export const rm = promised(sync.rmSync);
export const rmdir = promised(sync.rmdirSync);
export const stat = promised(sync.statSync);
export const symlink = promised(sync.symlinkSync);
export const truncate = promised(sync.truncateSync);
export const unlink = promised(sync.unlinkSync);
export const utimes = promised(sync.utimesSync);
export const watch = absent("fs.watch");
export async function writeFile(path, data, options) {
  if (path instanceof FileHandle) return path.writeFile(data, options);
  if (typeof data === "string" || ArrayBuffer.isView(data)) return sync.writeFileSync(path, data, options);
  const parts = [];
  for await (const part of data) parts.push(Buffer.from(part));
  return sync.writeFileSync(path, Buffer.concat(parts), options);
}
export { constants };

export default {
  access, appendFile, chmod, chown, constants, copyFile, cp, lchown, link, lstat, lutimes, mkdir, mkdtemp, open, opendir, readdir, readFile, readlink,
  realpath, rename, rm, rmdir, stat, symlink, truncate, unlink, utimes, watch, writeFile,
};
