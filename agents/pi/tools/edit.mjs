// pi's edit, with a run of our own: pi's writes one kind of line end into the whole file, and takes quotes and spaces for others that
// look alike.

import { createEditToolDefinition } from "../../node_modules/@mariozechner/pi-coding-agent/dist/core/tools/edit.js";
import { readBytes, writeBytes } from "../../sdk/web/files.mjs";
import { fromBytes } from "../bytes.mjs";
import { diffOf } from "./diff.mjs";
import { MAX_FILE } from "./limits.mjs";
import { readLiteral } from "./literal.mjs";
import { absolutePath } from "./paths.mjs";
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

/** Where all changes go, the last one in the file first. */
function changesOf(file, edits, path, whole) {
  const changes = edits.map((edit) => findChange(file, edit, path, whole)).sort((a, b) => b.start - a.start);
  const overlaps = changes.some(({ end }, index) => index && end > changes[index - 1].start);
  if (overlaps) throw new Error(`Two edits of ${path} change the same text: make one of them`);
  return changes;
}

function change(path, edits, size) {
  if (!edits.length) throw new Error("edits is empty: give at least one");
  if (size > MAX_FILE) throw new Error(`${path} has ${size} bytes: edit takes files of at most ${MAX_FILE}`);
  const before = readBytes(path);
  const original = fromBytes(before);
  const obstacle = whyNotText(original);
  if (obstacle) throw new Error(`${path} cannot be changed with edit: ${obstacle}`);
  const changes = changesOf(original, edits, path, isUtf8(before));
  const after = changes.reduce(splice, before);
  if (fromBytes(after) === original) throw new Error(`The edit leaves ${path} as it is`);
  writeBytes(path, after);
  const line = original.slice(0, changes.at(-1).start).split("\n").length;
  const [oldText, newText] = [before, after].map((bytes) => new TextDecoder().decode(bytes));
  return {
    content: [{ type: "text", text: `Successfully replaced ${edits.length} block(s) in ${path}, the first at line ${line}.` }],
    details: { diff: diffOf(path, oldText, newText) },
  };
}

export function editTool(cwd, sizeOf) {
  return {
    ...createEditToolDefinition(cwd),
    /** Models that have one change to make tend to leave the list out. */
    prepareArguments({ oldText, newText, edits, ...rest }) {
      const single = oldText === undefined && newText === undefined ? [] : [{ oldText, newText }];
      return { ...rest, edits: [...listOf(edits), ...single] };
    },
    async execute(_id, { path, edits }) {
      const file = absolutePath(path, cwd);
      return change(file, edits, sizeOf(file));
    },
  };
}
