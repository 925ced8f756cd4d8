// The tools of a session, and how they are shown to the client.

import { UnusableArguments } from "../arguments.mjs";
import { toolTitle } from "../mcp-tools.mjs";
import { bash, findShell } from "./bash.mjs";
import { checkTexts } from "./check.mjs";
import { edit } from "./edit.mjs";
import { find } from "./find.mjs";
import { grep } from "./grep.mjs";
import { list } from "./list.mjs";
import { absolutePath } from "./paths.mjs";
import { read } from "./read.mjs";
import { write } from "./write.mjs";

const FILE_TOOLS = [read, write, edit, list, find, grep];
const BY_NAME = new Map([...FILE_TOOLS, bash].map((tool) => [tool.name, tool]));

/** Paths are absolute from here on; those tools that may leave the path out mean the working directory. */
function absolute(args, cwd, tool) {
  if (!("path" in tool.parameters.properties)) return args;
  return { ...args, path: absolutePath(String(args.path ?? "."), cwd) };
}

/** The tool, with arguments that no tool is to see kept from it: what pi's core does before it checks them. */
export function guarded(tool) {
  return {
    ...tool,
    prepareArguments(args) {
      if (args instanceof UnusableArguments) throw new Error(String(args));
      return tool.prepareArguments?.(args) ?? args;
    },
  };
}

/** pi's tools for a session. bash is only there if the client runs terminals and the VM has a shell for them. */
export function toolsFor({ cwd, client, capabilities, sessionId }) {
  const tools = capabilities.terminal && findShell() ? [...FILE_TOOLS, bash] : FILE_TOOLS;
  return tools.map((tool) => ({
    ...guarded({ ...tool, prepareArguments: (args) => checkTexts(tool.parameters, tool.prepareArguments?.(args) ?? args) }),
    execute: async (id, args, signal, onUpdate) =>
      tool.run(absolute(args, cwd, tool), { cwd, client, sessionId, signal, onUpdate }),
  }));
}

/** What ACP shows of a tool call: title, kind, places and input. Nothing of it has been checked: the model may have named a
 * tool that there is not, and given it anything. */
export function present(name, args, cwd) {
  const tool = BY_NAME.get(name);
  if (!tool) return { title: toolTitle(name) ?? name, kind: "other", ...(args && { rawInput: args }) };
  if (!args || args instanceof UnusableArguments) return { title: tool.label, kind: tool.kind };
  const shown = absolute(args, cwd, tool);
  const locations = shown.path ? [{ path: shown.path, ...(Number.isInteger(args.offset) && { line: args.offset }) }] : [];
  return { title: String(tool.title(shown) ?? tool.label), kind: tool.kind, locations, rawInput: args };
}
