import { Type } from "typebox";
import { readBytes, writeBytes } from "../../sdk/web/files.mjs";
import { fromBytes } from "../bytes.mjs";
import { diffOf } from "./diff.mjs";
import { fileSize } from "./files.mjs";
import { MAX_FILE, answer } from "./limits.mjs";
import { readLiteral } from "./literal.mjs";
import { findChange, isUtf8, splice, whyNotText } from "./replace.mjs";

/** What a model has written in place of an edit or of the list of them: their text in JSON is clear enough. */
function read(value, name) {
  if (typeof value !== "string") return value;
  try {
    return readLiteral(value);
  } catch (error) {
    throw new Error(`${name} is text that is not JSON (${error.message}): give a list of {oldText, newText}`);
  }
}

function listOf(edits) {
  const list = read(edits, "edits") ?? [];
  return (Array.isArray(list) ? list : [list]).map((edit) => read(edit, "an edit"));
}

export const edit = {
  name: "edit",
  summary: "replace text in a file",
  label: "Edit",
  kind: "edit",
  description:
    "Change a file by replacing exact pieces of text, each of which must be there exactly once. Several changes of one file go into one call; they are applied in order, all or none.",
  parameters: Type.Object({
    path: Type.String({ description: "The file: absolute, or relative to the working directory" }),
    edits: Type.Array(
      Type.Object({
        oldText: Type.String({ description: "What is there now, to the letter" }),
        newText: Type.String({ description: "What is to be there instead" }),
      }),
      { minItems: 1 },
    ),
  }),
  title: ({ path }) => `Edit ${path}`,

  /** Models that have one change to make tend to leave the list out. */
  prepareArguments({ oldText, newText, edits, ...rest }) {
    const single = oldText === undefined && newText === undefined ? [] : [{ oldText, newText }];
    return { ...rest, edits: [...listOf(edits), ...single] };
  },

  run({ path, edits }) {
    const size = fileSize(path);
    if (size > MAX_FILE) throw new Error(`${path} has ${size} bytes: edit takes files of at most ${MAX_FILE}`);
    const before = readBytes(path);
    const whole = isUtf8(before);
    const original = fromBytes(before);
    const obstacle = whyNotText(original);
    if (obstacle) throw new Error(`${path} cannot be changed with edit: ${obstacle}`);
    let file = original;
    let after = before;
    let first = Infinity;
    for (const edit of edits) {
      const change = findChange(file, edit, path, whole);
      file = file.slice(0, change.start) + change.added + file.slice(change.end);
      after = splice(after, change);
      first = Math.min(first, change.start);
    }
    const [oldText, newText] = [before, after].map((bytes) => new TextDecoder().decode(bytes));
    if (file === original) throw new Error(`The edit leaves ${path} as it is`);
    writeBytes(path, after);
    const line = file.slice(0, first).split("\n").length;
    return answer(`Changed ${path} (${edits.length} of ${edits.length} edits, first at line ${line})`, {
      diff: diffOf(path, oldText, newText),
    });
  },
};
