import { Type } from "typebox";
import { list as entriesOf } from "../../sdk/web/files.mjs";
import { answer } from "./limits.mjs";

const MAX_ENTRIES = 500;

export const list = {
  name: "list",
  summary: "see what is in a directory",
  label: "List",
  kind: "search",
  description: `List a directory in order of names; directories end with a slash, symbolic links with @. At most ${MAX_ENTRIES} entries.`,
  parameters: Type.Object({
    path: Type.Optional(Type.String({ description: "The directory (default: the working directory)" })),
  }),
  title: ({ path }) => `List ${path}`,

  run({ path }) {
    const entries = entriesOf(path).map(({ name, type }) => name + ({ directory: "/", symlink: "@" }[type] ?? ""));
    if (!entries.length) return answer("(the directory is empty)");
    const more = entries.length - MAX_ENTRIES;
    return answer(entries.slice(0, MAX_ENTRIES).join("\n") + (more > 0 ? `\n\n(and ${more} more)` : ""));
  },
};
