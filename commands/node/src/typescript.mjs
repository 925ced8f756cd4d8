// TypeScript without its types.

import { library } from "./library.mjs";
import { coded } from "./resolve.mjs";
import { setPlace } from "./stacks.mjs";

/** JavaScript with the same lines. */
export function withoutTypes(source, file) {
  const { strip } = library("typescript");
  try {
    return strip(source, file);
  } catch (error) {
    const [, line, column] = /\((\d+):(\d+)\)$/.exec(error.message) ?? [];
    const told = coded(new SyntaxError(error.message.replace(/^Error transforming \S+: | \(\d+:\d+\)$/g, "")), "ERR_INVALID_TYPESCRIPT_SYNTAX");
    throw line ? setPlace(told, { file, line: Number(line), column: Number(column) }) : told;
  }
}
