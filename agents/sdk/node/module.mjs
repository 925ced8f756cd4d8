// node:module: `require` for what is in the bundle by its name: Node's own modules. Others are not looked for in the VM.

import { builtins } from "./builtins.mjs";
import { absent } from "./errors.mjs";

const bare = (name) => name.replace(/^node:/, "");

export const builtinModules = Object.keys(builtins);
export const isBuiltin = (name) => bare(name) in builtins;

function missing(name) {
  return Object.assign(new Error(`Cannot find module '${name}': only Node's own modules can be required in a guest`), { code: "MODULE_NOT_FOUND" });
}

export function createRequire() {
  const require = (name) => {
    if (!isBuiltin(name)) throw missing(name);
    return builtins[bare(name)];
  };
  const resolve = (name) => {
    if (!isBuiltin(name)) throw missing(name);
    return name;
  };
  return Object.assign(require, { resolve: Object.assign(resolve, { paths: () => null }), cache: {}, main: undefined });
}

export class Module {
  static _extensions = {};
  static _cache = {};
  static _load = absent("module._load");
}
export const register = absent("module.register");
export const findSourceMap = () => undefined;
export const enableCompileCache = () => ({ status: 3 });
export const getCompileCacheDir = () => undefined;
export const syncBuiltinESMExports = () => {};
export const stripTypeScriptTypes = absent("module.stripTypeScriptTypes");

export default Object.assign(Module, {
  builtinModules, createRequire, enableCompileCache, findSourceMap, getCompileCacheDir, isBuiltin, Module, register, stripTypeScriptTypes, syncBuiltinESMExports,
});
