// Bundles a module and what it imports of npm into a script: node agents/sdk/bundle.mjs ENTRY NAME OUTPUT
//
// The script makes a variable NAME of what the module exports.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [entry, globalName, outfile] = process.argv.slice(2);
await build({
  entryPoints: [resolve(entry)],
  bundle: true,
  minify: true,
  format: "iife",
  globalName,
  outfile,
  platform: "browser",
  nodePaths: [fileURLToPath(new URL("../node_modules", import.meta.url))],
  legalComments: "inline",
  logLevel: "warning",
});
