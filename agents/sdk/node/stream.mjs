// node:stream: the npm package readable-stream, which is Node's own code, and the conversions to and from web streams.

import npm from "readable-stream/lib/ours/browser.js";
import { Buffer } from "./buffer.mjs";

const { Stream } = npm;
export { Stream };
export const { Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished, addAbortSignal, compose, destroy, promises } = Stream;
export const { isDisturbed, isErrored, isReadable } = npm;

let highWaterMark = 65536;
export const getDefaultHighWaterMark = (objectMode) => (objectMode ? 16 : highWaterMark);
export const setDefaultHighWaterMark = (objectMode, size) => {
  if (!objectMode) highWaterMark = size;
};

/** Two streams, of which each reads what is written to the other. */
export function duplexPair(options) {
  const make = (other) =>
    new Duplex({
      ...options,
      read() {
        const resume = this.waiting;
        this.waiting = undefined;
        resume?.();
      },
      write(chunk, _encoding, callback) {
        other().waiting = callback;
        other().push(chunk);
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  const one = make(() => two);
  const two = make(() => one);
  return [one, two];
}

Readable.fromWeb = (web, options) => {
  const reader = web.getReader();
  return new Readable({
    ...options,
    async read() {
      try {
        const { done, value } = await reader.read();
        this.push(done ? null : value instanceof Uint8Array && !options?.objectMode ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value);
      } catch (error) {
        this.destroy(error);
      }
    },
    destroy(error, callback) {
      reader.cancel(error).then(() => callback(error), () => callback(error));
    },
  });
};

Readable.toWeb = (stream) => {
  const chunks = stream[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(typeof value === "string" || stream.readableObjectMode ? value : new Uint8Array(value));
      },
      cancel: (reason) => void stream.destroy(reason),
    },
    { highWaterMark: 0 },
  );
};

Writable.fromWeb = (web, options) => {
  const writer = web.getWriter();
  const settle = (promise, callback) => promise.then(() => callback(), callback);
  return new Writable({
    ...options,
    write: (chunk, _encoding, callback) => settle(writer.write(chunk), callback),
    final: (callback) => settle(writer.close(), callback),
    destroy: (error, callback) => (error ? writer.abort(error).then(() => callback(error), () => callback(error)) : callback()),
  });
};

Writable.toWeb = (stream) =>
  new WritableStream({
    write: (chunk) => new Promise((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve()))),
    close: () => new Promise((resolve) => stream.end(resolve)),
    abort: (reason) => void stream.destroy(reason),
  });

Duplex.fromWeb = ({ readable, writable }, options) => Duplex.from({ readable: Readable.fromWeb(readable, options), writable: Writable.fromWeb(writable, options) });

Object.assign(Stream, { isDisturbed, isErrored, isReadable, getDefaultHighWaterMark, setDefaultHighWaterMark, duplexPair });
export default Stream;
