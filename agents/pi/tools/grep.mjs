import { Type } from "typebox";
import { readBytes } from "../../sdk/web/files.mjs";
import { fileSize } from "./files.mjs";
import { answer, breathe, fitLines, shorten } from "./limits.mjs";
import { globToRegExp, isDirectory, walk } from "./walk.mjs";

const MAX_MATCHES = 100;
/** Larger files are data, not source. */
const MAX_SEARCHED = 2 * 1024 * 1024;

function searched(path) {
  try {
    if (fileSize(path) > MAX_SEARCHED) return null;
    const bytes = readBytes(path);
    return bytes.subarray(0, 8000).includes(0) ? null : new TextDecoder().decode(bytes).replace(/\r?\n$/, "").split(/\r?\n/);
  } catch {
    return null; // it went away, or it may not be read
  }
}

async function* candidates(path, glob, signal) {
  if (!isDirectory(path)) {
    fileSize(path);
    yield { path: path.split("/").at(-1), absolute: path };
    return;
  }
  const matches = glob && globToRegExp(glob);
  for await (const entry of walk(path, signal)) {
    if (entry.type === "file" && (!matches || matches.test(entry.path))) yield entry;
  }
}

function compile(pattern, literal, ignoreCase) {
  const source = literal ? pattern.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : pattern;
  try {
    return new RegExp(source, ignoreCase ? "i" : "");
  } catch (error) {
    throw new Error(`${error.message}; set literal to search for the text as it stands`);
  }
}

/** "path:12: text" for the match, "path-11- text" for the lines around it. */
function around(name, lines, index, context) {
  const out = [];
  for (let i = Math.max(0, index - context); i <= Math.min(lines.length - 1, index + context); i++) {
    const mark = i === index ? ":" : "-";
    out.push(`${name}${mark}${i + 1}${mark} ${shorten(lines[i])}`);
  }
  return out;
}

export const grep = {
  name: "grep",
  summary: "search the contents of files",
  label: "Grep",
  kind: "search",
  description: `Search files for a regular expression (JavaScript's), line by line. Answers "path:line: text", at most ${MAX_MATCHES} matches; binary, very large and generated files are skipped.`,
  parameters: Type.Object({
    pattern: Type.String({ description: "The regular expression" }),
    path: Type.Optional(Type.String({ description: "A directory or a file (default: the working directory)" })),
    glob: Type.Optional(Type.String({ description: 'Only files whose path matches, such as "*.ts"' })),
    ignoreCase: Type.Optional(Type.Boolean()),
    literal: Type.Optional(Type.Boolean({ description: "The pattern is plain text" })),
    context: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, description: "Lines to show around each match" })),
  }),
  title: ({ pattern, path, glob }) => `Grep ${pattern} in ${path}${glob ? ` (${glob})` : ""}`,

  async run({ pattern, path, glob, ignoreCase, literal, context = 0 }, { signal }) {
    const wanted = compile(pattern, literal, ignoreCase);
    const out = [];
    let matches = 0;
    for await (const { path: name, absolute } of candidates(path, glob, signal)) {
      const lines = searched(absolute);
      if (!lines) continue;
      for (let i = 0; i < lines.length && matches < MAX_MATCHES; i++) {
        if (!wanted.test(lines[i])) continue;
        matches++;
        if (context && out.length) out.push("--");
        out.push(...around(name, lines, i, context));
      }
      if (matches === MAX_MATCHES) break;
      await breathe();
    }
    if (!matches) return answer("(no match)");
    const { lines, truncated } = fitLines(out);
    const more = truncated || matches === MAX_MATCHES ? `\n\n(there may be more; narrow the search)` : "";
    return answer(lines.join("\n") + more);
  },
};
