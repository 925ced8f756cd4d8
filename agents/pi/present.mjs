// How the client is shown pi's tools. Nothing of a call has been checked: the model may have named a tool that there is not, and given
// it anything.

import { UnusableArguments } from "./arguments.mjs";
import { toolTitle } from "./mcp-tools.mjs";
import { absolutePath } from "./tools/paths.mjs";

const range = ({ offset, limit }) => (offset || limit ? ` (${offset ?? 1}–${limit ? (offset ?? 1) + limit - 1 : ""})` : "");

/** Of each tool: its name for people, ACP's kind, and a call's title. */
const TOOLS = {
  read: ["Read", "read", (args) => `Read ${args.path}${range(args)}`],
  bash: ["Bash", "execute", ({ command }) => command],
  edit: ["Edit", "edit", ({ path }) => `Edit ${path}`],
  write: ["Write", "edit", ({ path }) => `Write ${path}`],
  grep: ["Grep", "search", ({ pattern, path, glob }) => `Grep ${pattern} in ${path}${glob ? ` (${glob})` : ""}`],
  find: ["Find", "search", ({ pattern, path }) => `Find ${pattern} in ${path}`],
  ls: ["List", "search", ({ path }) => `List ${path}`],
  plan: ["Plan", "think", () => "Plan"],
};

/** Title, kind, places and input of a call. @param {object} [args] undefined while they are on their way */
export function present(name, args, cwd) {
  const [label, kind, title] = Object.hasOwn(TOOLS, name) ? TOOLS[name] : [];
  if (!label) return { title: toolTitle(name) ?? name, kind: "other", ...(args && { rawInput: args }) };
  if (!args || args instanceof UnusableArguments) return { title: label, kind };
  const hasPlace = !["bash", "plan"].includes(name);
  const shown = hasPlace ? { ...args, path: absolutePath(String(args.path ?? "."), cwd) } : args;
  const locations = hasPlace ? [{ path: shown.path, ...(Number.isInteger(args.offset) && { line: args.offset }) }] : [];
  return { title: String(title(shown) ?? label), kind, locations, rawInput: args };
}
