// node:zlib: gzip and deflate by fflate. Brotli and zstd are not there.

import * as fflate from "fflate/browser";
import { Buffer } from "./buffer.mjs";
import { absent } from "./errors.mjs";
import { Transform } from "./stream.mjs";

export const constants = {
  Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1, Z_NEED_DICT: 2, Z_ERRNO: -1,
  Z_STREAM_ERROR: -2, Z_DATA_ERROR: -3, Z_MEM_ERROR: -4, Z_BUF_ERROR: -5, Z_VERSION_ERROR: -6, Z_NO_COMPRESSION: 0, Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9,
  Z_DEFAULT_COMPRESSION: -1, Z_DEFAULT_STRATEGY: 0, Z_MIN_LEVEL: -1, Z_MAX_LEVEL: 9, Z_DEFAULT_LEVEL: -1, Z_DEFAULT_CHUNK: 16384,
};

/** fflate's functions and classes by Node's names. */
const KINDS = {
  gzip: ["Gzip", fflate.gzipSync, fflate.Gzip],
  gunzip: ["Gunzip", fflate.gunzipSync, fflate.Gunzip],
  deflate: ["Deflate", fflate.zlibSync, fflate.Zlib],
  inflate: ["Inflate", fflate.unzlibSync, fflate.Unzlib],
  deflateRaw: ["DeflateRaw", fflate.deflateSync, fflate.Deflate],
  inflateRaw: ["InflateRaw", fflate.inflateSync, fflate.Inflate],
  unzip: ["Unzip", fflate.decompressSync, fflate.Decompress],
};

const buffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const bytesOf = (data) => (typeof data === "string" ? Buffer.from(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const levelOf = ({ level = -1 } = {}) => ({ level: level < 0 ? 6 : level });
const dataError = (error) => Object.assign(new Error(error.message), { code: "Z_DATA_ERROR", errno: constants.Z_DATA_ERROR });

function sync(run) {
  return (data, options) => {
    try {
      return buffer(run(bytesOf(data), levelOf(options)));
    } catch (error) {
      throw dataError(error);
    }
  };
}

const withCallback = (run) => (data, options, callback = options) => {
  let result;
  try {
    result = run(data, typeof options === "function" ? {} : options);
  } catch (error) {
    process.nextTick(callback, error);
    return;
  }
  process.nextTick(callback, null, result);
};

function streamOf(Class, packs) {
  return class extends Transform {
    /** Of the engine's, with which packages (minizlib, and so tar) do at once what a stream does later. */
    _handle = { close() {} };
    #state;

    constructor(options) {
      super(options);
      this.#state = packs ? new Class(levelOf(options)) : new Class();
      this.#state.ondata = (bytes) => void (bytes.length && this.push(buffer(bytes)));
    }
    #feed(chunk, last, callback) {
      try {
        this.#state.push(chunk, last);
        callback();
      } catch (error) {
        callback(dataError(error));
      }
    }
    close(callback) {
      this.destroy();
      if (callback) process.nextTick(callback);
    }
    _processChunk(chunk, flush) {
      const { ondata } = this.#state;
      const parts = [];
      this.#state.ondata = (bytes) => void parts.push(bytes);
      try {
        this.#state.push(bytesOf(chunk), flush === constants.Z_FINISH);
      } catch (error) {
        throw dataError(error);
      } finally {
        this.#state.ondata = ondata;
      }
      return Buffer.concat(parts);
    }
    _transform(chunk, _encoding, callback) {
      this.#feed(bytesOf(chunk), false, callback);
    }
    _flush(callback) {
      this.#feed(new Uint8Array(0), true, callback);
    }
  };
}

const all = {};
for (const [name, [Name, run, Class]] of Object.entries(KINDS)) {
  all[`${name}Sync`] = sync(run);
  all[name] = withCallback(all[`${name}Sync`]);
  all[Name] = streamOf(Class, ["gzip", "deflate", "deflateRaw"].includes(name));
  all[`create${Name}`] = (options) => new all[Name](options);
}
for (const name of ["brotliCompress", "brotliCompressSync", "brotliDecompress", "brotliDecompressSync", "createBrotliCompress", "createBrotliDecompress"]) {
  all[name] = absent(`zlib.${name}`);
}

export const {
  gzip, gzipSync, Gzip, createGzip, gunzip, gunzipSync, Gunzip, createGunzip, deflate, deflateSync, Deflate, createDeflate, inflate, inflateSync, Inflate,
  createInflate, deflateRaw, deflateRawSync, DeflateRaw, createDeflateRaw, inflateRaw, inflateRawSync, InflateRaw, createInflateRaw, unzip, unzipSync, Unzip,
  createUnzip, brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync, createBrotliCompress, createBrotliDecompress,
} = all;

const TABLE = Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
export const crc32 = (data, value = 0) => {
  let crc = ~value;
  for (const byte of bytesOf(data)) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
};

export default { ...all, constants, crc32 };
