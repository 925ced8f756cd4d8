import { Type } from "typebox";
import { readText, writeText } from "../../sdk/web/files.mjs";
import { diffOf } from "./diff.mjs";
import { answer } from "./limits.mjs";

const BOM = "\ufeff";

function countOf(text, part) {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

/** Applies one replacement; the error tells the model what to do about it. */
function replaceOnce(text, { oldText, newText }, path) {
  const old = oldText.replaceAll("\r\n", "\n");
  if (!old) throw new Error("oldText is empty: use write for a new file");
  const count = countOf(text, old);
  if (count === 0) throw new Error(`oldText is not in ${path}: it must match exactly, spaces and line ends included. Read the file again.`);
  if (count > 1) throw new Error(`oldText is in ${path} ${count} times: add surrounding lines until it is there once.`);
  const at = text.indexOf(old);
  return text.slice(0, at) + newText.replaceAll("\r\n", "\n") + text.slice(at + old.length);
}

const lineOf = (text, at) => text.slice(0, at).split("\n").length;

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
    return { ...rest, edits: edits ?? [{ oldText, newText }] };
  },

  run({ path, edits }) {
    const original = readText(path);
    const windows = original.includes("\r\n");
    const before = original.replace(BOM, "").replaceAll("\r\n", "\n");
    const after = edits.reduce((text, change) => replaceOnce(text, change, path), before);
    if (after === before) throw new Error(`The edit leaves ${path} as it is`);
    const restored = windows ? after.replaceAll("\n", "\r\n") : after;
    writeText(path, (original.startsWith(BOM) ? BOM : "") + restored);
    let first = 0;
    while (before[first] === after[first]) first++;
    return answer(`Changed ${path} (${edits.length} of ${edits.length} edits, first at line ${lineOf(after, first)})`, {
      diff: diffOf(path, before, after),
    });
  },
};
