// node:buffer: the npm package, and what Node has beside it.

import npm from "buffer/index.js";

export const { Buffer, SlowBuffer, kMaxLength, INSPECT_MAX_BYTES } = npm;
export const { Blob, File, atob, btoa } = globalThis;
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: 2 ** 29 - 24 };
export const kStringMaxLength = constants.MAX_STRING_LENGTH;

export function isUtf8(input) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(input);
    return true;
  } catch {
    return false;
  }
}

export const isAscii = (input) => new Uint8Array(input.buffer ?? input, input.byteOffset, input.byteLength).every((byte) => byte < 0x80);
export const transcode = (source, from, to) => Buffer.from(Buffer.from(source).toString(from), to);

// base64url came to Node after this package.
const { from, isEncoding, prototype } = Buffer;
const { toString, write } = prototype;
const isUrl = (encoding) => typeof encoding === "string" && encoding.toLowerCase() === "base64url";
Buffer.isEncoding = (encoding) => isUrl(encoding) || isEncoding(encoding);
Buffer.from = (value, encoding, length) => from.call(Buffer, value, typeof value === "string" && isUrl(encoding) ? "base64" : encoding, length);
prototype.toString = function (encoding, ...range) {
  if (!isUrl(encoding)) return toString.call(this, encoding, ...range);
  return toString.call(this, "base64", ...range).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};
prototype.write = function (text, ...rest) {
  return write.call(this, text, ...rest.map((given) => (isUrl(given) ? "base64" : given)));
};

export default { Buffer, SlowBuffer, kMaxLength, kStringMaxLength, INSPECT_MAX_BYTES, Blob, File, atob, btoa, constants, isUtf8, isAscii, transcode };
