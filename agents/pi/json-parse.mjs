// In the place of pi-ai's json-parse.js: that one parses the arguments of a call anew at each piece of them, which takes the square of
// their length, and guesses at what is missing. Here they are read once they are whole, and no tool gets what is not.

import { readArguments } from "./arguments.mjs";

export const repairJson = (json) => json;
export const parseJsonWithRepair = (json) => JSON.parse(json);

/** What stands for arguments that have not all come. */
const PARTIAL = readArguments("{");

export function parseStreamingJson(text) {
  if (!text?.trim()) return {};
  return text.trimEnd().endsWith("}") ? readArguments(text) : PARTIAL;
}
