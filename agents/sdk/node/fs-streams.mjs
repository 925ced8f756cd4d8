// node:fs: files as streams.

import { Buffer } from "./buffer.mjs";
import { closeSync, openSync, readLater, writeSync } from "./fs-files.mjs";
import { pathOf } from "./fs-place.mjs";
import { Readable, Writable } from "./stream.mjs";

/** Calls back once the file is closed, if that is wanted; an earlier error goes first. */
function close(stream, error, callback) {
  const { fd } = stream;
  stream.fd = null;
  if (fd == null || !stream.autoClose) return callback(error);
  try {
    closeSync(fd);
    callback(error);
  } catch (failure) {
    callback(error ?? failure);
  }
}

function open(stream, flags, mode, callback) {
  try {
    stream.fd ??= openSync(stream.path, flags, mode);
  } catch (error) {
    return callback(error);
  }
  callback();
  process.nextTick(() => {
    stream.emit("open", stream.fd);
    stream.emit("ready");
  });
}

export class ReadStream extends Readable {
  constructor(path, options) {
    const { fd = null, flags = "r", mode, start, end = Infinity, autoClose = true, encoding, highWaterMark = 65536, signal } =
      typeof options === "string" ? { encoding: options } : (options ?? {});
    super({ encoding, highWaterMark, signal });
    Object.assign(this, { path: fd == null ? pathOf(path) : path, fd, flags, mode, end, autoClose, bytesRead: 0, position: start });
    this.left = end - (start ?? 0) + 1;
  }
  _construct(callback) {
    open(this, this.flags, this.mode, callback);
  }
  _read(size) {
    const buffer = Buffer.alloc(Math.max(0, Math.min(size, this.left)));
    const has = (count) => {
      this.left -= count;
      this.bytesRead += count;
      if (this.position !== undefined) this.position += count;
      this.push(count ? buffer.subarray(0, count) : null);
    };
    try {
      const count = buffer.length ? readLater(this.fd, buffer, 0, buffer.length, this.position) : 0;
      if (typeof count === "number") has(count);
      else count.then(has).catch((error) => this.destroy(error));
    } catch (error) {
      this.destroy(error);
    }
  }
  _destroy(error, callback) {
    close(this, error, callback);
  }
  close(callback = () => {}) {
    this.once("close", callback);
    this.destroy();
  }
}

export class WriteStream extends Writable {
  constructor(path, options) {
    const { fd = null, flags = "w", mode, start, autoClose = true, encoding = "utf8", signal } = typeof options === "string" ? { encoding: options } : (options ?? {});
    super({ defaultEncoding: encoding, signal });
    Object.assign(this, { path: fd == null ? pathOf(path) : path, fd, flags, mode, autoClose, bytesWritten: 0, position: start });
    // Not in `_construct`: what is written while that is on its way is kept, and a promise's turn between its end and the
    // writing of what was kept, which Node has not, would have what comes later written first.
    open(this, flags, mode, (error) => (this.unopened = error));
    if (this.unopened) process.nextTick(() => this.destroy(this.unopened));
  }
  _write(chunk, _encoding, callback) {
    if (this.unopened) return callback(this.unopened);
    try {
      const count = writeSync(this.fd, chunk, 0, chunk.length, this.position);
      this.bytesWritten += count;
      if (this.position !== undefined) this.position += count;
      callback();
    } catch (error) {
      callback(error);
    }
  }
  _destroy(error, callback) {
    close(this, error, callback);
  }
  close(callback = () => {}) {
    this.once("close", callback);
    this.end();
  }
}

export const createReadStream = (path, options) => new ReadStream(path, options);
export const createWriteStream = (path, options) => new WriteStream(path, options);
