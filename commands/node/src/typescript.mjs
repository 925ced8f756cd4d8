// TypeScript without its types. The library that takes them out is a file of the base system: few programs need it.

import { readFileSync } from "node:fs";
import { coded } from "./resolve.mjs";
import { setPlace } from "./stacks.mjs";

const LIBRARY = "/usr/lib/node/typescript.js";
let strip;

/** JavaScript with the same lines. */
export function withoutTypes(source, file) {
  strip ??= new Function(`${readFileSync(LIBRARY, "utf8")}; return torporLibrary;`)().strip;
  try {
    return strip(source, file);
  } catch (error) {
    const [, line, column] = /\((\d+):(\d+)\)$/.exec(error.message) ?? [];
    const told = coded(new SyntaxError(error.message.replace(/^Error transforming \S+: | \(\d+:\d+\)$/g, "")), "ERR_INVALID_TYPESCRIPT_SYNTAX");
    throw line ? setPlace(told, { file, line: Number(line), column: Number(column) }) : told;
  }
}
