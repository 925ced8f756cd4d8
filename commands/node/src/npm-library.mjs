// What /usr/lib/node/npm/lib/npm.js is made of: npm as it is published, in one file, and `npx`. It runs by being loaded.

import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";

const Npm = require("../../../agents/node_modules/npm/lib/npm.js");
const { deref } = require("../../../agents/node_modules/npm/lib/utils/cmd-list.js");
const pacote = require("../../../agents/node_modules/npm/node_modules/pacote");

const { cmd } = Npm;
/** A command by a path of which all that there are have been bundled. */
Npm.cmd = (name) => {
  const command = deref(name);
  return command ? require(`../../../agents/node_modules/npm/lib/commands/${command}.js`) : cmd(name);
};

const { extract } = pacote;
/** Refuses what has to be compiled, which no VM could load. A package that can do without it has it as an optional one. */
pacote.extract = async (spec, folder, options) => {
  const found = await extract(spec, folder, options);
  if (!existsSync(`${folder}/binding.gyp`)) return found;
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  throw Object.assign(new Error(`${name}@${version} is a native addon, which a VM cannot load`), { code: "ENATIVE" });
};

globalThis.npmEntry = require("../../../agents/node_modules/npm/lib/cli/entry.js"); // for npm-entry.js
if (basename(process.argv[1]) === "npx") require("../../../agents/node_modules/npm/bin/npx-cli.js");
else require("../../../agents/node_modules/npm/lib/cli.js")(process);
