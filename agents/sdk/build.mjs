// Builds one agent with componentize-js: node agents/sdk/build.mjs ENTRY WIT-DIR WORLD OUTPUT
//
// Three steps: esbuild bundles the modules; regular expressions with \p{..} are spelled out, since the guest's
// SpiderMonkey has no ICU; componentize-js runs the top level of the bundle once and keeps the heap as it is then.
//
// A bundle.json beside the entry may change modules, which it names by the ending of their paths:
//   "replace": {"some/module.js": "./ours.mjs"}        another module in its place
//   "pick": {"some/table.js": {"NAME": ["key"]}}       of the object that it exports as NAME only these entries

import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, resolve } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";
import { tokenizer } from "acorn";
import { build } from "esbuild";
import rewritePattern from "regexpu-core";

/** A builtin of Node that a library mentions but no guest can have: using it fails, importing it does not. */
const nodeStubs = {
  name: "node-stubs",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ path }) => (isBuiltin(path) ? { path, namespace: "node-stub" } : undefined));
    build.onLoad({ filter: /.*/, namespace: "node-stub" }, ({ path }) => ({
      // CommonJS, so that any name can be imported from it.
      contents: `module.exports = new Proxy({}, {
        get: (_, name) => typeof name === "symbol" || name === "__esModule" ? undefined : class {
          constructor() { throw new Error("${path}." + name + " does not exist in a guest"); }
        },
      });`,
      loader: "js",
    }));
  },
};

function changes(entry) {
  const file = resolve(dirname(entry), "bundle.json");
  const { replace = {}, pick = {} } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const ending = (path) => new RegExp(path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "$");
  return {
    name: "changes",
    setup(build) {
      for (const [module, ours] of Object.entries(replace)) {
        const path = resolve(dirname(entry), ours);
        build.onLoad({ filter: ending(module) }, () => ({
          contents: readFileSync(path, "utf8"),
          resolveDir: dirname(path),
        }));
      }
      for (const [module, tables] of Object.entries(pick)) {
        build.onLoad({ filter: ending(module) }, async ({ path }) => {
          const exports = await import(path);
          const kept = Object.entries(tables).map(([name, keys]) => {
            const table = Object.fromEntries(keys.map((key) => [key, exports[name][key]]));
            return `export const ${name} = ${JSON.stringify(table)};`;
          });
          return { contents: kept.join("\n") };
        });
      }
    },
  };
}

async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    conditions: ["worker", "browser"],
    external: ["wasi:*"],
    legalComments: "inline",
    minifyWhitespace: true,
    minifySyntax: true,
    define: { "process.env.NODE_ENV": '"production"' },
    plugins: [changes(entry), nodeStubs],
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

function spellOutUnicodeClasses(source) {
  let out = "";
  let copied = 0;
  for (const token of tokenizer(source, { ecmaVersion: "latest", sourceType: "module" })) {
    if (token.type.label !== "regexp" || !/\\p\{/iu.test(token.value.pattern)) continue;
    const { pattern, flags } = token.value;
    const plain = rewritePattern(pattern, flags, { unicodePropertyEscapes: "transform", unicodeFlag: "transform" });
    out += source.slice(copied, token.start) + `new RegExp(${JSON.stringify(plain)},${JSON.stringify(flags.replace("u", ""))})`;
    copied = token.end;
  }
  return out + source.slice(copied);
}

const [entry, witPath, worldName, output] = process.argv.slice(2);
const source = spellOutUnicodeClasses(await bundle(resolve(entry)));
// The engine's own fetch would bring its own wasi:http imports and its own idea of waiting; sdk/web has one.
const disableFeatures = ["http", "fetch-event"];
const { component } = await componentize(source, { witPath: resolve(witPath), worldName, disableFeatures });
await writeFile(output, component);
