// UTF-8 for QuickJS guests, which have neither TextEncoder nor TextDecoder.

/** Longest run handed to String.fromCharCode at once: its arguments live on the small wasm stack. */
const RUN = 1024;
const REPLACEMENT = 0xfffd;

/** @param {string} text @returns {Uint8Array} */
export function encode(text) {
  let size = 0;
  for (let i = 0; i < text.length; i++) size += text.charCodeAt(i) < 0x80 ? 1 : 3; // an upper bound, also for pairs
  const out = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (c < 0x80) {
      out[at++] = c;
      continue;
    }
    if (c >= 0xd800 && c <= 0xdfff) {
      const next = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (c <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) {
        c = 0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00);
        i++;
      } else {
        c = REPLACEMENT;
      }
    }
    if (c < 0x800) {
      out[at++] = 0xc0 | (c >> 6);
    } else {
      if (c < 0x10000) {
        out[at++] = 0xe0 | (c >> 12);
      } else {
        out[at++] = 0xf0 | (c >> 18);
        out[at++] = 0x80 | ((c >> 12) & 0x3f);
      }
      out[at++] = 0x80 | ((c >> 6) & 0x3f);
    }
    out[at++] = 0x80 | (c & 0x3f);
  }
  return at === size ? out : out.slice(0, at);
}

/** Reads one code point at `at`: [code point, bytes used]. Anything malformed is one byte of U+FFFD. */
function codePoint(bytes, at) {
  const lead = bytes[at];
  const more = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0 ? 1 : 0;
  if (!more || at + more >= bytes.length) return [REPLACEMENT, 1];
  let c = lead & (0x3f >> more);
  for (let k = 1; k <= more; k++) {
    const next = bytes[at + k];
    if ((next & 0xc0) !== 0x80) return [REPLACEMENT, 1];
    c = (c << 6) | (next & 0x3f);
  }
  const least = more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000;
  if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return [REPLACEMENT, 1];
  return [c, more + 1];
}

/** @param {Uint8Array} bytes @returns {string} with U+FFFD for what is no UTF-8 */
export function decode(bytes) {
  const parts = [];
  let run = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] < 0x80) {
      run.push(bytes[at++]);
    } else {
      const [c, used] = codePoint(bytes, at);
      at += used;
      if (c < 0x10000) run.push(c);
      else run.push(0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    if (run.length >= RUN) {
      parts.push(String.fromCharCode(...run));
      run = [];
    }
  }
  parts.push(String.fromCharCode(...run));
  return parts.join("");
}
