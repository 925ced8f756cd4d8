// Libraries that few programs need: files of the base system, and no part of the component.

import { readFileSync } from "node:fs";

const loaded = new Map();

/** What a library exports, of those that command.toml names. */
export function library(name) {
  if (!loaded.has(name)) loaded.set(name, new Function(`${readFileSync(`/usr/lib/node/${name}.js`, "utf8")}; return torporLibrary;`)());
  return loaded.get(name);
}
