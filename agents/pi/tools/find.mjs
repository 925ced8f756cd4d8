import { Type } from "typebox";
import { answer } from "./limits.mjs";
import { globToRegExp, walk } from "./walk.mjs";

const MAX_RESULTS = 1000;

export const find = {
  name: "find",
  summary: "find files by a pattern of their names",
  label: "Find",
  kind: "search",
  description: `Find files and directories whose path matches a glob such as "*.py" or "src/**/test_*.js". Directories that are generated (.git, node_modules and the like) are skipped. At most ${MAX_RESULTS} results.`,
  parameters: Type.Object({
    pattern: Type.String({ description: "A glob; without a slash it is matched against names in all directories" }),
    path: Type.Optional(Type.String({ description: "Where to search (default: the working directory)" })),
  }),
  title: ({ pattern, path }) => `Find ${pattern} in ${path}`,

  async run({ pattern, path }, { signal }) {
    const matches = globToRegExp(pattern);
    const found = [];
    for await (const entry of walk(path, signal)) {
      if (!matches.test(entry.path)) continue;
      if (found.length === MAX_RESULTS) {
        found.push(`\n(the first ${MAX_RESULTS}; narrow the pattern for more)`);
        break;
      }
      found.push(entry.path + (entry.type === "directory" ? "/" : ""));
    }
    return answer(found.length ? found.join("\n") : "(nothing found)");
  },
};
