// Variables from files, as --env-file has them.

import { readFileSync } from "node:fs";
import { builtin } from "./builtin.mjs";

const LINE = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(?:"([^"]*)"|'([^']*)'|`([^`]*)`|([^\r\n#]*))/gm;

/** Names and values. */
export function* parseEnvironment(text) {
  for (const [, name, double, single, back, plain] of text.matchAll(LINE)) {
    yield [name, double?.replaceAll("\\n", "\n") ?? single ?? back ?? plain.trim()];
  }
}

builtin("util").parseEnv = (text) => Object.fromEntries(parseEnvironment(text));
process.loadEnvFile = (path = ".env") => {
  for (const [name, value] of parseEnvironment(readFileSync(path, "utf8"))) process.env[name] ??= value;
};
