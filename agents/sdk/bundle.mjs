// Bundles a module and what it imports of npm into a script: node agents/sdk/bundle.mjs ENTRY NAME OUTPUT
//
// The script makes a variable NAME of what the module exports. The module "torpor:unicode" is Unicode's properties, each as
// the first and the last but one of its ranges of characters, in base 36, as distances from one to the next:
// {"Script/Greek": "oa 4 ..."}, and the emoji that are recommended, joined by "|", as "emoji". What imports Node's modules is made for Node, and asks it for these.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const DATA = "regenerate-unicode-properties";
const require = createRequire(import.meta.url);

const unicode = {
  name: "unicode",
  setup(build) {
    build.onResolve({ filter: /^torpor:unicode$/ }, () => ({ path: "unicode", namespace: "unicode" }));
    build.onLoad({ filter: /.*/, namespace: "unicode" }, () => {
      const found = {};
      for (const [property, values] of require(DATA)) {
        if (property === "Property_of_Strings") continue; // but for the one that has all others
        for (const value of values) {
          let last = 0;
          const distances = require(`${DATA}/${property}/${value}.js`).characters.data.map((edge) => {
            const distance = edge - last;
            last = edge;
            return distance.toString(36);
          });
          found[`${property}/${value}`] = distances.join(" ");
        }
      }
      const { characters, strings } = require(`${DATA}/Property_of_Strings/RGI_Emoji.js`);
      found.emoji = [...characters.toArray().map((one) => String.fromCodePoint(one)), ...strings].join("|");
      return { contents: JSON.stringify(found), loader: "json" };
    });
  },
};

const [entry, globalName, outfile] = process.argv.slice(2);
const forNode = /^import .* from "node:/m.test(readFileSync(entry, "utf8"));
await build({
  entryPoints: [resolve(entry)],
  bundle: true,
  minify: true,
  format: "iife",
  globalName,
  outfile,
  platform: forNode ? "node" : "browser",
  supported: { "dynamic-import": false }, // what is imported is in it
  nodePaths: [fileURLToPath(new URL("../node_modules", import.meta.url))],
  plugins: [unicode],
  legalComments: "inline",
  logLevel: "warning",
});
