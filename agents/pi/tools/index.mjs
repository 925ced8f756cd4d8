// The tools of a session: pi's own, as they are safe in a VM.

import { existsSync, readFileSync, statSync } from "node:fs";
import { UnusableArguments } from "../arguments.mjs";
import { checkTexts } from "./check.mjs";
import { MAX_DIFF, diffOf } from "./diff.mjs";
import { editTool } from "./edit.mjs";
import { absolutePath } from "./paths.mjs";
import { searchTools } from "./search.mjs";

const SHELLS = ["/bin/bash", "/bin/sh"];

/** The shell of the VM, or undefined: then there is no bash. */
export const findShell = () => SHELLS.find((path) => existsSync(path));

/** Whether a command is there. */
function has(name) {
  return (process.env.PATH ?? "/usr/bin:/bin").split(":").some((folder) => existsSync(`${folder}/${name}`));
}

/** The names of pi's tools that the VM has what it takes for, with its shell if it has one. */
export function usableTools(shell) {
  const search = has("rg") ? ["grep", "find"] : [];
  return ["read", ...(shell ? ["bash"] : []), "edit", "write", ...search, "ls"];
}

/** The size of what a tool takes whole. /dev is not made of such: the agent's own stdin never ends, and its bytes are the client's. */
function sizeOf(path) {
  const found = statSync(path);
  if (found.isDirectory()) throw new Error(`${path} is a directory`);
  if (!found.isFile()) throw new Error(`${path} is a device, not a file`);
  return found.size;
}

function checkPlace(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found && !found.isFile() && !found.isDirectory()) throw new Error(`${path} is a device, not a file`);
}

/** In the place of pi's tools of the same names. */
export const ownTools = (cwd) => [editTool(cwd, sizeOf), ...searchTools(cwd)];

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

const textOf = (path) => {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return null;
  return size > MAX_DIFF ? undefined : readFileSync(path, "utf8");
};

/** pi's tool, which gets texts where texts are due, and no devices; a client is shown what write has changed. */
export function soundTool(tool, cwd) {
  const checked = { ...tool, prepareArguments: (args) => checkTexts(tool.parameters, tool.prepareArguments?.(args) ?? args) };
  return {
    ...guarded(checked),
    async execute(id, args, ...rest) {
      const path = "path" in tool.parameters.properties ? absolutePath(args.path ?? ".", cwd) : undefined;
      if (path) checkPlace(path);
      if (tool.name !== "write") return tool.execute(id, args, ...rest);
      const before = textOf(path);
      const result = await tool.execute(id, args, ...rest);
      return { ...result, details: { diff: before === undefined ? undefined : diffOf(path, before, args.content) } };
    },
  };
}
