// How much of its own output a tool may put into the model's context. The figures are those that coding agents have
// settled on: enough for a long source file, not enough for a log to push out the conversation.

import { cut } from "../text.mjs";

export const MAX_LINES = 2000;
export const MAX_BYTES = 50 * 1024;
/** Longer lines are minified code or data; their rest says little. */
export const MAX_LINE = 500;
/** Beyond this a file is no text that is read by a model, and holding it would cost the guest its memory. */
export const MAX_FILE = 10 * 1024 * 1024;
/** How many entries a search visits before it lets the event loop run, so that a cancel is heard. */
export const ENTRIES_PER_BREATH = 200;

export const breathe = () => new Promise((resolve) => setTimeout(resolve, 0));

/** The leading lines that fit: {lines, truncated}. */
export function fitLines(lines, maxLines = MAX_LINES, maxBytes = MAX_BYTES) {
  let bytes = 0;
  const kept = [];
  for (const line of lines) {
    bytes += line.length + 1;
    if (kept.length === maxLines || (bytes > maxBytes && kept.length)) break;
    kept.push(line);
  }
  return { lines: kept, truncated: kept.length < lines.length };
}

/** The end of a text that fits, from the beginning of a line if one begins there. */
export function fitEnd(text, maxLines = MAX_LINES, maxBytes = MAX_BYTES) {
  let start = Math.max(0, text.length - maxBytes);
  if (start) {
    const line = text.indexOf("\n", start - 1) + 1;
    if (line && line < text.length) start = line;
  }
  let from = text.length - (text.endsWith("\n") ? 1 : 0);
  for (let left = maxLines; left; left--) {
    if (from <= start) return text.slice(start);
    from = text.lastIndexOf("\n", from - 1);
  }
  return text.slice(Math.max(start, from + 1));
}

export function shorten(line) {
  return line.length > MAX_LINE ? `${cut(line, MAX_LINE)}… (${line.length - MAX_LINE} characters more)` : line;
}

/** A tool result of one text. */
export function answer(text, details = {}) {
  return { content: [{ type: "text", text }], details };
}
