import { Type } from "typebox";
import { readBytes } from "../../sdk/web/files.mjs";
import { fromBytes } from "../bytes.mjs";
import { MAX_IMAGE, imageFrom, tooLarge } from "../images.mjs";
import { fileSize } from "./files.mjs";
import { MAX_FILE, MAX_LINES, answer, fitLines, shorten } from "./limits.mjs";
import { isUtf8, whyNotText } from "./replace.mjs";

/** Bytes at the beginning of a file that say whether it is text. */
const LOOKED_AT = 8000;
/** Names of images. What a file is its bytes say; its name says what was looked for. */
const IMAGE_NAME = /\.(png|jpe?g|gif|webp)$/i;

/** What there is to say of a text besides its lines, which are shown without their ends. */
function remarks(text, whole) {
  const windows = text.includes("\r\n");
  const mixed = windows && /(?<!\r)\n/.test(text);
  return [
    ...(windows ? [mixed ? "some lines end in CRLF, others in LF" : "lines end in CRLF"] : []),
    ...(whole ? [] : ["the file is not UTF-8: \ufffd stands for what is not"]),
  ];
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
    const size = fileSize(path, ": use list");
    const bytes = readBytes(path, MAX_FILE);
    const image = size > MAX_IMAGE ? { problem: tooLarge(size) } : imageFrom(fromBytes(bytes));
    if (!image.problem) return { content: [{ type: "text", text: `Image ${path}` }, image], details: {} };
    const isText = !whyNotText(fromBytes(bytes.subarray(0, LOOKED_AT)));
    if (!isText && IMAGE_NAME.test(path)) throw new Error(`${path} cannot be looked at: ${image.problem}`);
    if (!isText) throw new Error(`${path} is a binary file of ${size} bytes`);
    const text = new TextDecoder().decode(bytes);
    if (!text) return answer("(the file is empty)");
    const lines = text.replace(/\n$/, "").split("\n");
    if (offset > lines.length) throw new Error(`${path} has only ${lines.length} lines`);
    const wanted = lines.slice(offset - 1, offset - 1 + Math.min(limit, MAX_LINES));
    const { lines: shown } = fitLines(wanted.map((line) => shorten(line.replace(/\r$/, ""))));
    const end = offset + shown.length - 1;
    const width = String(end).length;
    const out = shown.map((line, i) => `${String(offset + i).padStart(width)}\t${line}`).join("\n");
    const notes = remarks(text, isUtf8(bytes));
    if (IMAGE_NAME.test(path)) notes.push("this is text, not an image");
    if (end < lines.length) notes.push(`lines ${offset} to ${end} of ${lines.length}; go on with offset ${end + 1}`);
    else if (size > bytes.length) notes.push(`the first ${bytes.length} of ${size} bytes`);
    return answer(out + (notes.length ? `\n\n(${notes.join("; ")})` : ""));
  },
};
