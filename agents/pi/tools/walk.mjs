// Walking a directory tree for find and grep, and glob patterns.

import { list, stat } from "../../sdk/web/files.mjs";
import { ENTRIES_PER_BREATH, breathe } from "./limits.mjs";

/** What others generate, and nobody searches. */
const SKIPPED = new Set([".git", "node_modules", ".venv", "__pycache__"]);

/** Yields {path (relative), absolute, type} of everything below `root`, in order. Symbolic links are not followed. */
export async function* walk(path, signal) {
  const root = path.replace(/\/$/, "");
  let visited = 0;
  const pending = [""];
  while (pending.length) {
    const folder = pending.pop();
    let entries;
    try {
      entries = list(`${root}/${folder}`);
    } catch (error) {
      if (!folder) throw error;
      continue; // it went away, or it may not be read: the search goes on
    }
    const below = [];
    for (const { name, type } of entries) {
      if (++visited % ENTRIES_PER_BREATH === 0) await breathe();
      if (signal?.aborted) throw new Error("Cancelled");
      const found = folder ? `${folder}/${name}` : name;
      if (type === "directory" && SKIPPED.has(name)) continue;
      yield { path: found, absolute: `${root}/${found}`, type };
      if (type === "directory") below.push(found);
    }
    pending.push(...below.reverse());
  }
}

export function isDirectory(path) {
  return stat(path).type === "directory";
}

/** A glob (`*`, `?`, `**`, `[..]`, `{a,b}`) as a regular expression. Without a slash it is matched against the name alone. */
export function globToRegExp(glob) {
  let out = "";
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i];
    if (c === "*" && glob[i + 1] === "*") {
      i++;
      if (glob[i + 1] === "/") {
        i++;
        out += "(?:.*/)?";
      } else {
        out += ".*";
      }
    } else if (c === "*") {
      out += "[^/]*";
    } else if (c === "?") {
      out += "[^/]";
    } else if (c === "{" && glob.indexOf("}", i) > 0) {
      const end = glob.indexOf("}", i);
      const choices = glob.slice(i + 1, end).split(",");
      out += `(?:${choices.map((choice) => globToRegExp(choice).source.replace(/^\^\(\?:\.\*\/\)\?|^\^|\$$/g, "")).join("|")})`;
      i = end;
    } else if (c === "[" && glob.indexOf("]", i + 2) > 0) {
      const end = glob.indexOf("]", i + 2);
      out += `[${glob.slice(i + 1, end).replace(/^!/, "^").replace(/\\/g, "\\\\")}]`;
      i = end;
    } else {
      out += c.replace(/[.+^${}()|[\]\\/]/g, "\\$&");
    }
  }
  return new RegExp(`^${glob.includes("/") ? "" : "(?:.*/)?"}${out.replace(/^\\\//, "")}$`);
}
