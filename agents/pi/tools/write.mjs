import { Type } from "typebox";
import { exists, readBytes, writeText } from "../../sdk/web/files.mjs";
import { MAX_DIFF, diffOf } from "./diff.mjs";
import { fileSize } from "./files.mjs";
import { answer } from "./limits.mjs";

export const write = {
  name: "write",
  summary: "create a file, or replace one completely",
  label: "Write",
  kind: "edit",
  description: "Write a file: it is created, with the directories above it, or replaced as a whole. For changes use edit.",
  parameters: Type.Object({
    path: Type.String({ description: "The file: absolute, or relative to the working directory" }),
    content: Type.String({ description: "All that the file is to hold" }),
  }),
  title: ({ path }) => `Write ${path}`,

  run({ path, content }) {
    const isThere = exists(path);
    if (isThere) fileSize(path);
    const before = isThere ? new TextDecoder().decode(readBytes(path, MAX_DIFF + 1)) : null;
    writeText(path, content);
    const lines = content ? content.replace(/\n$/, "").split("\n").length : 0;
    const done = before === null ? "Created" : "Replaced";
    return answer(`${done} ${path} (${lines} lines)`, { diff: diffOf(path, before, content) });
  },
};
