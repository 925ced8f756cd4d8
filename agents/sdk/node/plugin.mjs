// Builtin modules of Node for a bundle: which module stands for each, and what is said of those that a guest cannot have.
//
// An agent asks for them with "node": true in its bundle.json. Its entry imports globals.mjs before anything else.

import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

/** Modules that unenv has, as good as they are needed; the others of its are stand-ins that throw when they are used. */
const UNENV = new Set(["async_hooks", "diagnostics_channel", "perf_hooks", "punycode", "querystring"]);

/** Names by which packages ask for the npm package and not for the builtin, where that is the one that stands for it. */
const PACKAGES = { "buffer/": "buffer", "events/": "events", "process/": "process-global", "string_decoder/": "string_decoder" };

const ours = (name) => join(HERE, `${name.replaceAll("/", "-")}.mjs`);

/** What a module is called without `node:`, or undefined where that is none of Node's. */
function builtin(path) {
  const name = path.replace(/^node:/, "");
  if (PACKAGES[name]) return PACKAGES[name];
  return isBuiltin(path) ? name : undefined;
}

/**
 * A module that can be imported, of which nothing can be used. CommonJS, so that it has every name: what is imported from it is
 * looked up in an object of the same prototype.
 */
function absent(name) {
  return `module.exports = Object.create(new Proxy({}, {
    get(nothing, key) {
      if (key === "default") return module.exports;
      if (typeof key === "symbol" || key === "__esModule" || key in nothing) return nothing[key];
      return function () {
        throw new Error(${JSON.stringify(name)} + "." + key + " does not exist in a guest");
      };
    },
  }));`;
}

/** @type {import("esbuild").Plugin} */
export const nodeModules = {
  name: "node-modules",
  setup(build) {
    build.onResolve({ filter: /.*/ }, (asked) => {
      const name = asked.pluginData === HERE ? undefined : builtin(asked.path);
      if (!name) return undefined;
      const found = existsSync(ours(name)) || UNENV.has(name);
      if (!found) return { path: name, namespace: "node-absent" };
      // `require` gives what the module exports as a whole, which callers may change and call, and not its names.
      if (asked.kind === "require-call" && asked.namespace !== "node-required") return { path: name, namespace: "node-required" };
      if (existsSync(ours(name))) return { path: ours(name) };
      return build.resolve(`unenv/node/${name}`, { resolveDir: HERE, kind: "import-statement", pluginData: HERE });
    });
    build.onLoad({ filter: /.*/, namespace: "node-required" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(existsSync(ours(path)) ? ours(path) : `node:${path}`)}).default;`,
      resolveDir: HERE,
    }));
    build.onLoad({ filter: /.*/, namespace: "node-absent" }, ({ path }) => ({ contents: absent(path), loader: "js" }));
  },
};

/** Files that the component has in itself, for modules that read what lies beside them: {path in the VM: path here}. */
export function packedFiles(files, resolve) {
  return {
    name: "packed-files",
    setup(build) {
      build.onResolve({ filter: /^torpor:packed-files$/ }, () => ({ path: "packed-files", namespace: "packed-files" }));
      build.onLoad({ filter: /.*/, namespace: "packed-files" }, () => {
        const texts = Object.entries(files).map(([path, from]) => [path, readFileSync(resolve(from), "utf8")]);
        return { contents: `export default new Map(${JSON.stringify(texts)});`, loader: "js" };
      });
    },
  };
}
