// Replacing text in a file of which nothing else may change. The file is a string with one character for each byte, so that what is
// between the replacements stays as it is, in whatever encoding it may be.

import { fromBytes } from "../bytes.mjs";

const encoder = new TextEncoder();

/** The bytes with those from `start` to `end` replaced. @param {string} added one character for each byte */
export function splice(bytes, { start, end, added }) {
  const out = new Uint8Array(start + added.length + bytes.length - end);
  out.set(bytes.subarray(0, start));
  for (let at = 0; at < added.length; at++) out[start + at] = added.charCodeAt(at);
  out.set(bytes.subarray(end), start + added.length);
  return out;
}

/** A text as the bytes of its UTF-8, one character for each. */
export const utf8 = (text) => fromBytes(encoder.encode(text));

const isAscii = (text) => /^[\x00-\x7f]*$/.test(text);

/** Why a file cannot be changed by its text, or undefined. @param {string} file one character for each byte */
export function whyNotText(file) {
  if (file.startsWith("\xff\xfe") || file.startsWith("\xfe\xff")) return "it is in UTF-16";
  if (file.includes("\0")) return "it is binary, or in an encoding that is not of this kind";
  return undefined;
}

export function isUtf8(bytes) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** Where a pattern is: [start, end] of each place. Places that overlap are all counted, since each may be the one that is meant. */
function placesOf(file, pattern) {
  const places = [];
  for (let match; (match = pattern.exec(file)); pattern.lastIndex = match.index + 1) {
    places.push([match.index, match.index + match[0].length]);
  }
  return places;
}

/** A line end that is whole: neither half of "\r\n". */
const ANY_END = "(?:\\r\\n|\\r(?!\\n)|(?<!\\r)\\n)";

/**
 * The places of a text: to the letter, or if there is none so, with whatever line ends the file has.
 *
 * @param {boolean} whole the file is UTF-8. If not, a match behind a byte that is not ASCII may begin within a character.
 */
function find(file, text, whole) {
  const before = whole ? "" : "(?<![\\x80-\\xff])";
  const toTheLetter = (text[0] === "\n" ? "(?<!\\r)" : "") + escaped(text) + (text.endsWith("\r") ? "(?!\\n)" : "");
  const places = placesOf(file, new RegExp(before + toTheLetter, "g"));
  if (places.length || !/[\r\n]/.test(text)) return { places, exact: true };
  const lines = text.split(/\r\n|\r|\n/).map(escaped);
  return { places: placesOf(file, new RegExp(before + lines.join(ANY_END), "g")), exact: false };
}

const LINE = /[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+/g;
const linesOf = (text) => text.match(LINE) ?? [];
const endOf = (line) => /(?:\r\n|\r|\n)?$/.exec(line)[0];
const bodyOf = (line) => line.slice(0, line.length - endOf(line).length);

/** The line end that is usual at a place: that of its line, or of the one before if it is the last. */
function endNear(file, at) {
  const after = /\r\n|\r|\n/g;
  after.lastIndex = at;
  const next = after.exec(file);
  if (next) return next[0];
  return /(\r\n|\r|\n)[^\r\n]*$/.exec(file)?.[1] ?? "\n";
}

/**
 * The new text with the line ends of the old: lines at the beginning and at the end that stay keep theirs, those between take that
 * of the line in whose place they are.
 */
function withLineEnds(text, old, usual) {
  const lines = linesOf(text);
  const before = linesOf(old);
  const same = (line, other) => other !== undefined && bodyOf(line) === bodyOf(other);
  let atEnd = 0; // how many lines at the end stay
  while (atEnd < Math.min(lines.length, before.length) && same(lines.at(-1 - atEnd), before.at(-1 - atEnd))) atEnd++;
  return lines
    .map((line, index) => {
      if (!endOf(line)) return line;
      const stays = index >= lines.length - atEnd;
      const model = stays ? before[before.length - lines.length + index] : before[Math.min(index, before.length - atEnd - 1)];
      return bodyOf(line) + ((model && endOf(model)) || usual);
    })
    .join("");
}

/**
 * Where one replacement goes, and what. Line ends are those of the file, unless the texts speak of carriage returns and are there to
 * the letter.
 *
 * @param {string} file one character for each byte
 * @returns {{start: number, end: number, added: string}} throws Error, whose message tells the model what to do
 */
export function findChange(file, { oldText, newText }, path, whole) {
  if (!oldText) throw new Error("oldText is empty: use write for a new file");
  if (!oldText.isWellFormed()) throw new Error("oldText has half of a character in it: give whole ones");
  if (!whole && !(isAscii(oldText) && isAscii(newText))) {
    throw new Error(`${path} is not UTF-8: only ASCII text can be changed in it with edit`);
  }
  const { places, exact } = find(file, utf8(oldText), whole);
  if (!places.length) {
    throw new Error(`oldText is not in ${path}: it must match exactly, spaces and accents included. Read the file again.`);
  }
  if (places.length > 1) {
    throw new Error(`oldText is in ${path} ${places.length} times: add surrounding lines until it is there once.`);
  }
  const [[start, end]] = places;
  const added = utf8(newText);
  if (exact && (oldText + newText).includes("\r")) return { start, end, added };
  return { start, end, added: withLineEnds(added, file.slice(start, end), endNear(file, start)) };
}
