// Builds one agent with componentize-js: node agents/sdk/build.mjs ENTRY WIT-DIR WORLD OUTPUT
//
// Three steps: esbuild bundles the modules; regular expressions with \p{..} are spelled out, since the guest's
// SpiderMonkey has no ICU; componentize-js runs the top level of the bundle once and keeps the heap as it is then. Its
// adapter to WASI 0.2 gets a clock that asks the host less often, and its bindings lose what only costs (bindings.mjs).
//
// A bundle.json beside the entry may change modules, which it names by the ending of their paths:
//   "replace": {"some/module.js": "./ours.mjs"}        another module in its place
//   "without": {"some/module.js": ["package"]}         what it imports of these is never used: see sdk/absent.cjs
//   "pick": {"some/table.js": {"NAME": ["key"]}}       of the object that it exports as NAME only these entries
//   "node": true                                       Node's modules are there: see node/plugin.mjs
//   "packed": {"/usr/lib/x.json": "./some/x.json"}     with these, files that they find at a path of the VM

import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, preview1AdapterReactorPath, print } from "@bytecodealliance/jco";
import { parse as acorn, tokenizer } from "acorn";
import { build } from "esbuild";
import rewritePattern from "regexpu-core";
import { makeBindingsLean } from "./bindings.mjs";
import { nodeModules, packedFiles } from "./node/plugin.mjs";

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

function settings(entry) {
  const file = resolve(dirname(entry), "bundle.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}

const ABSENT = resolve(import.meta.dirname, "absent.cjs");

function changes(entry, { replace = {}, without = {}, pick = {} }) {
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
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer }) => {
        const unused = Object.entries(without).some(([module, names]) => importer.endsWith(module) && names.includes(path));
        return unused ? { path: ABSENT } : undefined;
      });
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

const PACKAGES = fileURLToPath(new URL("../node_modules", import.meta.url));

/** Where the modules of an agent with Node's modules are, to them: files beside it can be "packed". */
const PLACE = "/usr/lib/agent/main.js";

/** What modules look at to know where they are. */
function placeOf(path) {
  const [file, folder] = [JSON.stringify(path), JSON.stringify(dirname(path))];
  return {
    "import.meta.url": JSON.stringify(`file://${path}`),
    "import.meta.filename": file,
    "import.meta.dirname": folder,
    __filename: file,
    __dirname: folder,
  };
}

async function bundle(entry) {
  const asked = settings(entry);
  const modules = asked.node
    ? [packedFiles(asked.packed ?? {}, (path) => resolve(dirname(entry), path)), nodeModules]
    : [nodeStubs];
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    platform: asked.node ? "node" : "browser",
    mainFields: asked.node ? ["module", "main"] : undefined,
    conditions: asked.node ? ["node", "import"] : ["worker", "browser"],
    external: ["wasi:*", "torpor:posix/*"],
    nodePaths: [PACKAGES], // for sources that are elsewhere
    legalComments: "inline",
    minifyWhitespace: true,
    minifySyntax: true,
    define: { "process.env.NODE_ENV": '"production"', ...(asked.node ? placeOf(PLACE) : {}) },
    plugins: [changes(entry, asked), ...modules],
    logLevel: "warning",
  });
  const [{ text }] = outputFiles;
  return asked.node ? serveImports(text) : text;
}

/** Imports by names that only the running program knows are asked of sdk/node/builtins.mjs: the engine can load nothing. */
function serveImports(source) {
  const places = [];
  const pending = [acorn(source, { ecmaVersion: "latest", sourceType: "module" })];
  while (pending.length) {
    const node = pending.pop();
    if (node.type === "ImportExpression") places.push(node.start);
    for (const value of Object.values(node)) if (value && typeof value === "object") pending.push(...(Array.isArray(value) ? value.filter(Boolean) : [value]));
  }
  let out = "";
  let copied = 0;
  for (const place of places.sort((a, b) => a - b)) {
    out += source.slice(copied, place) + "globalThis.importBuiltin";
    copied = place + "import".length;
  }
  return out + source.slice(copied);
}

function spellOutUnicodeClasses(source) {
  let out = "";
  let copied = 0;
  for (const token of tokenizer(source, { ecmaVersion: "latest", sourceType: "module" })) {
    if (token.type.label !== "regexp" || !/\\p\{/iu.test(token.value.pattern)) continue;
    const { pattern, flags } = token.value;
    const sets = flags.includes("v") ? { unicodeSetsFlag: "transform" } : {};
    const plain = rewritePattern(pattern, flags, { unicodePropertyEscapes: "transform", unicodeFlag: "transform", ...sets });
    out += source.slice(copied, token.start) + `new RegExp(${JSON.stringify(plain)},${JSON.stringify(flags.replace(/[uv]/, ""))})`;
    copied = token.end;
  }
  return out + source.slice(copied);
}

// SpiderMonkey asks for the monotonic time when a promise is made, when it settles and whenever it looks for jobs: some
// nine hundred times in a short turn, each time a call of the host. Programs never see these times (performance.now and
// timers have their own), so of 256 questions only the first is passed on.
const RARE_CLOCK = `
  (global $clock_saved (mut i64) (i64.const 0))
  (global $clock_left (mut i32) (i32.const 0))
  (func $clock_time_get (param $clock i32) (param $precision i64) (param $to i32) (result i32)
    (local $code i32)
    (if (i32.and (i32.eq (local.get $clock) (i32.const 1)) (i32.ne (global.get $clock_left) (i32.const 0)))
      (then
        (global.set $clock_left (i32.sub (global.get $clock_left) (i32.const 1)))
        (i64.store (local.get $to) (global.get $clock_saved))
        (return (i32.const 0))))
    (local.set $code (call $ask_clock (local.get $clock) (local.get $precision) (local.get $to)))
    (if (i32.and (i32.eq (local.get $clock) (i32.const 1)) (i32.eqz (local.get $code)))
      (then
        (global.set $clock_saved (i64.load (local.get $to)))
        (global.set $clock_left (i32.const 255))))
    (local.get $code))
)`;

async function adapterWithRareClock() {
  const text = await print(await readFile(preview1AdapterReactorPath()));
  const renamed = text.replace("(func $clock_time_get (;", "(func $ask_clock (;");
  if (renamed === text) throw new Error("the adapter has no function clock_time_get: is this another version of jco?");
  return parse(renamed.slice(0, renamed.lastIndexOf(")")) + RARE_CLOCK);
}

const [entry, witPath, worldName, output] = process.argv.slice(2);
makeBindingsLean();
const { componentize } = await import("@bytecodealliance/componentize-js");
const source = spellOutUnicodeClasses(await bundle(resolve(entry)));
// The engine's own fetch would bring its own wasi:http imports and its own idea of waiting; sdk/web has one.
const disableFeatures = ["http", "fetch-event"];
const folder = await mkdtemp(join(tmpdir(), "torpor-build-"));
try {
  const preview2Adapter = join(folder, "adapter.wasm");
  await writeFile(preview2Adapter, await adapterWithRareClock());
  const { component } = await componentize(source, { witPath: resolve(witPath), worldName, disableFeatures, preview2Adapter });
  await writeFile(output, component);
} finally {
  await rm(folder, { recursive: true });
}
