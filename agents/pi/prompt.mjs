// The system prompt.

import { readText, resolve } from "../sdk/web/files.mjs";
import { cut } from "./text.mjs";

/** Files in which projects tell agents how they work, the first that is there. */
const PROJECT_FILES = ["AGENTS.md", "CLAUDE.md"];
const MACHINE_FILE = "/etc/torpor/instructions.md";
/** A project's instructions beyond this crowd out the work. */
const MAX_INSTRUCTIONS = 32_768;

function readIfThere(path) {
  try {
    return cut(readText(path), MAX_INSTRUCTIONS);
  } catch {
    return "";
  }
}

export function systemPrompt({ cwd, directories, tools }) {
  const names = new Set(tools.map(({ name }) => name));
  const parts = [
    `You are pi, a coding agent. You help the user by reading, searching, editing and writing files${
      names.has("bash") ? " and by running commands" : ""
    }.

Your tools:
${tools.map(({ name, summary }) => `- ${name}: ${summary}`).join("\n")}

How you work:
- Look before you change: read a file before you edit it.
- Use edit for changes and write for new files or complete rewrites.
- In edit, oldText must be in the file exactly once; give just enough of its surroundings for that.
- Do what was asked and no more, then say briefly what you did. Name files by their paths.${
      names.has("bash") ? "" : "\n- There is no shell: you cannot run programs, so do not claim that something was tested."
    }`,
    process.env.TORPOR_INSTRUCTIONS ?? readIfThere(MACHINE_FILE),
  ];
  for (const name of PROJECT_FILES) {
    const text = readIfThere(resolve(cwd, name));
    if (!text) continue;
    parts.push(`# The project's instructions (${name})\n\n${text}`);
    break;
  }
  const more = directories.length ? `\nFurther directories of this project: ${directories.join(", ")}` : "";
  parts.push(`Today: ${new Date().toISOString().slice(0, 10)}\nWorking directory: ${cwd}${more}`);
  return parts.filter(Boolean).join("\n\n");
}
