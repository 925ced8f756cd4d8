// node:module, and CommonJS modules.

import { dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { addBuiltin, builtin, isBuiltin } from "./builtin.mjs";
import { jsonOf, noAddon, prepared, scriptFunction } from "./evaluate.mjs";
import { coded, findRequired, formatOf, modulePaths } from "./resolve.mjs";

/** What modules.mjs has for CommonJS modules; the two need each other. */
const others = {};
export const serveModules = (functions) => void Object.assign(others, functions);

export function Module(id = "", parent) {
  this.id = id;
  this.path = dirname(id);
  this.exports = {};
  this.filename = null;
  this.loaded = false;
  this.children = [];
  this.paths = [];
  Object.defineProperty(this, "parent", { value: parent, writable: true, configurable: true });
  parent?.children?.push(this);
}

Module._cache = Object.create(null);
Module._pathCache = Object.create(null);
Module._nodeModulePaths = modulePaths;
Module._resolveLookupPaths = (request, parent) => (/^\.{1,2}(\/|$)/.test(request) ? [dirname(parent?.filename ?? "/")] : modulePaths(dirname(parent?.filename ?? "/")));
Module.globalPaths = [];
Module.wrapper = ["(function (exports, require, module, __filename, __dirname) { ", "\n});"];
Module.wrap = (source) => Module.wrapper.join(source);

/** The file that a request is for, or the builtin's name. */
Module._resolveFilename = (request, parent, _isMain, options) => {
  if (typeof request !== "string") throw coded(new TypeError(`The "id" argument must be of type string. Received ${request === null ? "null" : typeof request}`), "ERR_INVALID_ARG_TYPE");
  if (request.startsWith("node:") && !isBuiltin(request)) throw coded(new Error(`No such built-in module: ${request}`), "ERR_UNKNOWN_BUILTIN_MODULE");
  const from = parent?.filename ?? resolve(process.cwd(), "[eval]");
  const looked = options?.paths;
  const found = looked
    ? looked.map((folder) => findRequired(request, resolve(folder, "noop.js"))).find(Boolean)
    : findRequired(request, from);
  if (found) return found;
  const stack = [];
  for (let one = parent; one; one = one.parent) stack.push(one.filename ?? one.id);
  const told = stack.length ? `\nRequire stack:\n- ${stack.join("\n- ")}` : "";
  throw coded(new Error(`Cannot find module '${request}'${told}`), "MODULE_NOT_FOUND", { requireStack: stack });
};

const resolved = new Map(); // folder and request -> the file of a module, which counts as long as that is loaded

Module._load = (request, parent, isMain = false) => {
  const asked = parent?.filename && `${dirname(parent.filename)}\0${request}`;
  const before = resolved.get(asked);
  const file = before in Module._cache ? before : Module._resolveFilename(request, parent, isMain);
  if (isBuiltin(file)) return builtin(file);
  if (asked) resolved.set(asked, file);
  const cached = Module._cache[file];
  if (cached) {
    if (parent && !parent.children.includes(cached)) parent.children.push(cached);
    return cached.exports;
  }
  const module = new Module(file, parent);
  if (isMain) {
    process.mainModule = module;
    module.id = ".";
  }
  Module._cache[file] = module;
  let ended = false;
  try {
    module.load(file);
    ended = true;
  } finally {
    if (!ended) delete Module._cache[file];
  }
  return module.exports;
};

Module._findPath = (request, paths) => (paths ?? [process.cwd()]).map((folder) => findRequired(resolve(folder, request), resolve(folder, "noop.js"))).find(Boolean) ?? false;
Module._initPaths = () => {};
Module._preloadModules = () => {};

Module.prototype.load = function (file) {
  this.filename = file;
  this.paths = modulePaths(dirname(file));
  const extension = extname(file);
  (Module._extensions[extension] ?? Module._extensions[".js"])(this, file);
  this.loaded = true;
};

Module.prototype.require = function (request) {
  return Module._load(request, this);
};

Module.prototype._compile = function (source, file) {
  const run = scriptFunction(source, file);
  return run.call(this.exports, this.exports, requireOf(this), this, file, dirname(file), others.importer(file));
};

function loadScript(module, file) {
  const { source, format } = prepared(file, formatOf(file));
  if (format === "module") module.exports = others.requireModule(file);
  else module._compile(source, file);
}

Module._extensions = {
  __proto__: null,
  ".js": loadScript,
  ".json": (module, file) => void (module.exports = jsonOf(file)),
  ".node": (_module, file) => {
    throw noAddon(file);
  },
};
for (const extension of [".mjs", ".cjs", ".ts", ".mts", ".cts"]) {
  // As in Node, where who looks through the extensions finds the three alone.
  Object.defineProperty(Module._extensions, extension, { value: loadScript, writable: true, configurable: true });
}

/** `require` for a module. */
export function requireOf(module) {
  const require = (request) => module.require(request);
  const find = (request, options) => Module._resolveFilename(request, module, false, options);
  find.paths = (request) => (isBuiltin(request) ? null : Module._resolveLookupPaths(request, module));
  return Object.assign(require, { resolve: find, main: process.mainModule, extensions: Module._extensions, cache: Module._cache });
}

/** A module of which there is no file, for what is looked for from there. */
export function moduleAt(file, id = file) {
  const module = new Module(id);
  module.filename = file;
  module.paths = modulePaths(dirname(file));
  return module;
}

export function createRequire(from) {
  const path = from instanceof URL || String(from).startsWith("file:") ? fileURLToPath(from) : String(from);
  if (!path.startsWith("/")) throw coded(new TypeError(`The argument 'filename' must be a file URL object, file URL string, or absolute path string. Received '${from}'`), "ERR_INVALID_ARG_VALUE");
  return requireOf(moduleAt(path.endsWith("/") ? `${path}noop.js` : path));
}

const unavailable = (name) => () => {
  throw coded(new Error(`module.${name} does not exist in a VM`), "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM");
};
Object.assign(Module, {
  Module,
  createRequire,
  isBuiltin,
  enableCompileCache: () => ({ status: 3 }),
  findPackageJSON: (request, base) => others.findPackage(request, base),
  findSourceMap: () => undefined,
  flushCompileCache() {},
  getCompileCacheDir: () => undefined,
  register: unavailable("register"),
  registerHooks: unavailable("registerHooks"),
  runMain: () => Module._load(process.argv[1], null, true),
  stripTypeScriptTypes: (source) => others.withoutTypes(source, "[strip]"),
  syncBuiltinESMExports() {},
});
addBuiltin("module", Module);
