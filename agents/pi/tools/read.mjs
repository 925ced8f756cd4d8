import { Type } from "typebox";
import { readBytes, stat } from "../../sdk/web/files.mjs";
import { MAX_FILE, MAX_LINES, answer, fitLines, shorten } from "./limits.mjs";

const IMAGES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" };
/** Anthropic's limit for an image is 5 MB in base64. */
const MAX_IMAGE = 3.75 * 1024 * 1024;
const BASE64_RUN = 0x8000;

function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += BASE64_RUN) binary += String.fromCharCode(...bytes.subarray(at, at + BASE64_RUN));
  return btoa(binary);
}

function readImage(path, size, mimeType) {
  if (size > MAX_IMAGE) throw new Error(`${path} is an image of ${size} bytes; at most ${MAX_IMAGE} can be looked at`);
  const image = { type: "image", data: base64(readBytes(path)), mimeType };
  return { content: [{ type: "text", text: `Image ${path}` }, image], details: {} };
}

export const read = {
  name: "read",
  summary: "look at a file, with line numbers",
  label: "Read",
  kind: "read",
  description: `Read a file. Text comes with line numbers, at most ${MAX_LINES} lines or 50 KiB at once: use offset and limit for the rest. Images (png, jpg, gif, webp) can be read too.`,
  parameters: Type.Object({
    path: Type.String({ description: "The file: absolute, or relative to the working directory" }),
    offset: Type.Optional(Type.Integer({ minimum: 1, description: "First line to read, from 1" })),
    limit: Type.Optional(Type.Integer({ minimum: 1, description: "How many lines to read" })),
  }),
  title: ({ path, offset, limit }) =>
    `Read ${path}${offset || limit ? ` (${offset ?? 1}–${limit ? (offset ?? 1) + limit - 1 : ""})` : ""}`,

  run({ path, offset = 1, limit = MAX_LINES }) {
    const { size, type } = stat(path);
    if (type === "directory") throw new Error(`${path} is a directory: use list`);
    const mimeType = IMAGES[path.split(".").at(-1).toLowerCase()];
    if (mimeType) return readImage(path, size, mimeType);
    const bytes = readBytes(path, MAX_FILE);
    if (bytes.subarray(0, 8000).includes(0)) throw new Error(`${path} is a binary file of ${size} bytes`);
    const text = new TextDecoder().decode(bytes);
    if (!text) return answer("(the file is empty)");
    const lines = text.replace(/\n$/, "").split("\n");
    if (offset > lines.length) throw new Error(`${path} has only ${lines.length} lines`);
    const wanted = lines.slice(offset - 1, offset - 1 + Math.min(limit, MAX_LINES)).map(shorten);
    const { lines: shown } = fitLines(wanted);
    const end = offset + shown.length - 1;
    const width = String(end).length;
    let out = shown.map((line, i) => `${String(offset + i).padStart(width)}\t${line}`).join("\n");
    if (end < lines.length) out += `\n\n(lines ${offset} to ${end} of ${lines.length}; go on with offset ${end + 1})`;
    else if (size > bytes.length) out += `\n\n(the first ${bytes.length} of ${size} bytes)`;
    return answer(out);
  },
};
