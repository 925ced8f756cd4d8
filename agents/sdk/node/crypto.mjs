// node:crypto: hashes, HMAC and key derivation by @noble/hashes, randomness from the host. Ciphers and signatures are not there.

import { hkdf as deriveHkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { md5, ripemd160, sha1 } from "@noble/hashes/legacy.js";
import { pbkdf2 as derivePbkdf2 } from "@noble/hashes/pbkdf2.js";
import { scrypt as deriveScrypt } from "@noble/hashes/scrypt.js";
import { sha224, sha256, sha384, sha512, sha512_256 } from "@noble/hashes/sha2.js";
import { sha3_256, sha3_384, sha3_512 } from "@noble/hashes/sha3.js";
import { Buffer } from "./buffer.mjs";
import { absent, argumentError } from "./errors.mjs";
import { largeHash } from "./large-hash.mjs";
import { Transform } from "./stream.mjs";

const HASHES = {
  md5, ripemd160, rmd160: ripemd160, sha1, sha224, sha256, sha384, sha512, "sha512-256": sha512_256, "sha3-256": sha3_256, "sha3-384": sha3_384, "sha3-512": sha3_512,
};
/** The engine gives so many random bytes at once. */
const MAX_DRAWN = 65536;

const plain = (name) => String(name).toLowerCase().replace(/^rsa-/, "").replace(/^sha-(?=\d)/, "sha");

function algorithm(name) {
  const found = HASHES[plain(name)];
  if (!found) throw Object.assign(new Error(`Digest method not supported: ${name}`), { code: "ERR_CRYPTO_INVALID_DIGEST" });
  return found;
}

function bytesOf(data, encoding) {
  if (typeof data === "string") return Buffer.from(data, encoding);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw argumentError("data", "a string or bytes", data);
}

const encoded = (bytes, encoding) => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return encoding && encoding !== "buffer" ? buffer.toString(encoding) : buffer;
};

/** A hash or an HMAC, which can be written to as a stream as well. */
class Hash extends Transform {
  #state;
  #done = false;

  constructor(state) {
    super();
    this.#state = state;
  }
  update(data, encoding) {
    if (this.#done) throw Object.assign(new Error("Digest already called"), { code: "ERR_CRYPTO_HASH_FINALIZED" });
    this.#state.update(bytesOf(data, encoding));
    return this;
  }
  digest(encoding) {
    if (this.#done) throw Object.assign(new Error("Digest already called"), { code: "ERR_CRYPTO_HASH_FINALIZED" });
    this.#done = true;
    return encoded(this.#state.digest(), encoding);
  }
  copy() {
    return new Hash(this.#state.clone());
  }
  _transform(chunk, encoding, callback) {
    this.update(chunk, encoding);
    callback();
  }
  _flush(callback) {
    callback(null, this.digest());
  }
}

export const createHash = (name) => new Hash(largeHash(plain(name), algorithm(name).create()));
export const createHmac = (name, key) => new Hash(hmac.create(algorithm(name), bytesOf(key)));
export const hash = (name, data, encoding = "hex") => createHash(name).update(data).digest(encoding);
export const getHashes = () => Object.keys(HASHES);
export { Hash, Hash as Hmac };

export function getRandomValues(array) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at += MAX_DRAWN) globalThis.crypto.getRandomValues(bytes.subarray(at, at + MAX_DRAWN));
  return array;
}
export const randomFillSync = (buffer, offset = 0, size = buffer.length - offset) => {
  getRandomValues(buffer.subarray(offset, offset + size));
  return buffer;
};

/** What has a callback as its last argument where that is given. */
const either = (compute) => (...args) => {
  const callback = typeof args.at(-1) === "function" ? args.pop() : undefined;
  if (!callback) return compute(...args);
  let value;
  try {
    value = compute(...args);
  } catch (error) {
    process.nextTick(callback, error);
    return undefined;
  }
  process.nextTick(callback, null, value);
  return undefined;
};

export const randomBytes = either((size) => getRandomValues(Buffer.alloc(size)));
export const pseudoRandomBytes = randomBytes;
export const randomFill = either(randomFillSync);
export const randomUUID = () => globalThis.crypto.randomUUID();
export const randomInt = either((first, second) => {
  const [low, high] = second === undefined ? [0, first] : [first, second];
  const range = high - low;
  if (!(range > 0 && range <= 2 ** 48)) throw Object.assign(new RangeError(`no whole number is from ${low} up to ${high}`), { code: "ERR_OUT_OF_RANGE" });
  const limit = 2 ** 48 - (2 ** 48 % range); // what is beyond it would make some numbers likelier
  for (;;) {
    const drawn = randomBytes(6).readUIntBE(0, 6);
    if (drawn < limit) return low + (drawn % range);
  }
});

export function timingSafeEqual(a, b) {
  const [one, two] = [bytesOf(a), bytesOf(b)];
  if (one.length !== two.length) throw Object.assign(new RangeError("Input buffers must have the same byte length"), { code: "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH" });
  let differ = 0;
  for (let at = 0; at < one.length; at++) differ |= one[at] ^ two[at];
  return differ === 0;
}

export const pbkdf2Sync = (password, salt, c, dkLen, name) => encoded(derivePbkdf2(algorithm(name), bytesOf(password), bytesOf(salt), { c, dkLen }));
export const pbkdf2 = either(pbkdf2Sync);
export const scryptSync = (password, salt, dkLen, { N, cost = N ?? 16384, r, blockSize = r ?? 8, p, parallelization = p ?? 1 } = {}) =>
  encoded(deriveScrypt(bytesOf(password), bytesOf(salt), { N: cost, r: blockSize, p: parallelization, dkLen }));
export const scrypt = either(scryptSync);
export const hkdfSync = (name, key, salt, info, length) => encoded(deriveHkdf(algorithm(name), bytesOf(key), bytesOf(salt), bytesOf(info), length)).buffer;
export const hkdf = either(hkdfSync);

const MISSING = [
  "createCipheriv", "createDecipheriv", "createDiffieHellman", "createECDH", "createPrivateKey", "createPublicKey", "createSecretKey", "createSign", "createVerify",
  "diffieHellman", "generateKeyPair", "generateKeyPairSync", "privateDecrypt", "privateEncrypt", "publicDecrypt", "publicEncrypt", "sign", "verify",
];
const missing = Object.fromEntries(MISSING.map((name) => [name, absent(`crypto.${name}`)]));
export const {
  createCipheriv, createDecipheriv, createDiffieHellman, createECDH, createPrivateKey, createPublicKey, createSecretKey, createSign, createVerify,
  diffieHellman, generateKeyPair, generateKeyPairSync, privateDecrypt, privateEncrypt, publicDecrypt, publicEncrypt, sign, verify,
} = missing;
export class KeyObject {}
export class X509Certificate {}
export const constants = {};
export const getCiphers = () => [];
export const getCurves = () => [];
export const webcrypto = globalThis.crypto;
export const { subtle } = globalThis.crypto;

export default {
  ...missing, constants, createHash, createHmac, getCiphers, getCurves, getHashes, getRandomValues, hash, Hash, hkdf, hkdfSync, Hmac: Hash, KeyObject,
  pbkdf2, pbkdf2Sync, pseudoRandomBytes, randomBytes, randomFill, randomFillSync, randomInt, randomUUID, scrypt, scryptSync, subtle, timingSafeEqual,
  webcrypto, X509Certificate,
};
