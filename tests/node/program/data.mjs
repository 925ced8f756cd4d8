// buffer, crypto, zlib, string_decoder

import assert from "node:assert/strict";
import buffer, { Buffer } from "node:buffer";
import crypto from "node:crypto";
import { StringDecoder } from "node:string_decoder";
import { promisify } from "node:util";
import zlib from "node:zlib";

export function test_buffer() {
  assert.equal(globalThis.Buffer, Buffer);
  assert.equal(Buffer.from("zwölf €").toString("hex"), "7a77c3b66c6620e282ac");
  assert.equal(Buffer.from([251, 255]).toString("base64url"), "-_8");
  assert.deepEqual([...Buffer.from("-_8", "base64url")], [251, 255]);
  assert.ok(Buffer.isEncoding("base64url"));
  assert.equal(Buffer.concat([Buffer.from("a"), Buffer.alloc(2, "b")]).toString(), "abb");
  assert.ok(buffer.isUtf8(Buffer.from("é")) && !buffer.isUtf8(Buffer.from([0xc3])));
  assert.ok(Buffer.from("a") instanceof Uint8Array);
  const pair = Buffer.alloc(8);
  pair.writeUInt32BE(0xdeadbeef, 4);
  assert.equal(pair.readUInt32BE(4), 0xdeadbeef);
}

export async function test_crypto() {
  const digests = {
    md5: "900150983cd24fb0d6963f7d28e17f72",
    sha1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
  };
  for (const [name, digest] of Object.entries(digests)) assert.equal(crypto.createHash(name).update("a").update(Buffer.from("bc")).digest("hex"), digest);
  assert.equal(crypto.createHmac("sha256", "key").update("The quick brown fox jumps over the lazy dog").digest("base64"), "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg=");
  assert.throws(() => crypto.createHash("md6"), { code: "ERR_CRYPTO_INVALID_DIGEST" });
  const hash = crypto.createHash("sha256");
  hash.digest();
  assert.throws(() => hash.update("x"), { code: "ERR_CRYPTO_HASH_FINALIZED" });
  assert.notEqual(crypto.randomUUID(), crypto.randomUUID());
  assert.equal(crypto.randomBytes(70_000).length, 70_000);
  assert.equal((await promisify(crypto.randomBytes)(8)).length, 8);
  const drawn = new Set(Array.from({ length: 200 }, () => crypto.randomInt(3, 6)));
  assert.deepEqual([...drawn].sort(), [3, 4, 5]);
  assert.ok(crypto.timingSafeEqual(Buffer.from("ab"), Buffer.from("ab")) && !crypto.timingSafeEqual(Buffer.from("ab"), Buffer.from("ac")));
  assert.equal(crypto.pbkdf2Sync("password", "salt", 1, 20, "sha1").toString("hex"), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  assert.throws(() => crypto.createCipheriv("aes-128-cbc"), /does not exist in a guest/);
}

export async function test_zlib() {
  const text = "abc".repeat(50_000);
  for (const [pack, unpack] of [["gzip", "gunzip"], ["deflate", "inflate"], ["deflateRaw", "inflateRaw"], ["gzip", "unzip"]]) {
    const packed = zlib[`${pack}Sync`](text);
    assert.ok(packed.length < 2000);
    assert.equal(zlib[`${unpack}Sync`](packed).toString(), text);
    assert.equal((await promisify(zlib[unpack])(await promisify(zlib[pack])(Buffer.from(text)))).length, text.length);
  }
  assert.throws(() => zlib.gunzipSync(Buffer.from("no gzip, but long enough for a header")), { code: "Z_DATA_ERROR" });
  const stream = zlib.createGunzip();
  const parts = [];
  stream.on("data", (part) => parts.push(part));
  const packed = zlib.gzipSync(text);
  for (let at = 0; at < packed.length; at += 100) stream.write(packed.subarray(at, at + 100));
  stream.end();
  await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  assert.equal(Buffer.concat(parts).toString(), text);
  assert.equal(zlib.crc32("hello"), 0x3610a686);
  assert.throws(() => zlib.brotliCompressSync("x"), /does not exist in a guest/);
}

export function test_string_decoder() {
  const decoder = new StringDecoder("utf8");
  const euro = Buffer.from("€");
  assert.equal(decoder.write(euro.subarray(0, 2)), "");
  assert.equal(decoder.write(euro.subarray(2)), "€");
  assert.equal(decoder.write(euro.subarray(0, 1)) + decoder.end(), "\ufffd");
}
