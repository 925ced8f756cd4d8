// Where modules are: Node's two ways of looking for them, of require and of import.

import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { exports as ofExports, imports as ofImports } from "resolve.exports";
import { isBuiltin } from "./builtin.mjs";

const EXTENSIONS = [".js", ".json", ".node", ".ts", ".cts", ".mts"];
const conditions = { require: ["node", "require", "module-sync"], import: ["node", "import", "module-sync"] };
const packages = new Map(); // folder -> {folder, data}, or null where it has no package.json

/** Further conditions of packages' exports. */
export function addConditions(names) {
  for (const kind of Object.values(conditions)) kind.push(...names);
}

export const coded = (error, code, more) => Object.assign(error, { code, ...more });

/** Most of what is looked for is not there, which is asked first: to make the error would take longer than all else. */
const kindOf = (path) => {
  if (!existsSync(path)) return undefined;
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() ? "folder" : found ? "file" : undefined;
};

/** The package.json of a folder. */
export function packageOf(folder) {
  if (!packages.has(folder)) packages.set(folder, readPackage(folder));
  return packages.get(folder);
}

function readPackage(folder) {
  const path = resolve(folder, "package.json");
  if (kindOf(path) !== "file") return null;
  try {
    return { folder, data: JSON.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    throw coded(new Error(`Invalid package config ${path}. ${error.message}`), "ERR_INVALID_PACKAGE_CONFIG");
  }
}

/** The package that a file is in, or null. */
export function scopeOf(file) {
  for (let folder = dirname(resolve(file)); ; folder = dirname(folder)) {
    if (folder.endsWith("/node_modules")) return null;
    const found = packageOf(folder);
    if (found || folder === "/") return found;
  }
}

/** The folders in which packages are looked for. */
export function modulePaths(from) {
  const found = [];
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (!folder.endsWith("/node_modules")) found.push(folder === "/" ? "/node_modules" : `${folder}/node_modules`);
    if (folder === "/") return found;
  }
}

const globalPaths = () => (process.env.NODE_PATH ?? "").split(":").filter(Boolean);

function asFile(path) {
  if (kindOf(path) === "file") return path;
  const extension = EXTENSIONS.find((one) => kindOf(path + one) === "file");
  return extension === undefined ? undefined : path + extension;
}

function asFolder(path) {
  if (kindOf(path) !== "folder") return undefined;
  const main = packageOf(path)?.data.main;
  if (typeof main === "string" && main) {
    const target = resolve(path, main);
    const found = asFile(target) ?? asFile(`${target}/index`);
    if (found) return found;
  }
  return asFile(`${path}/index`);
}

/** "@scope/name/sub/path" as [package, subpath]. */
function parts(request) {
  const [, name, rest] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(request) ?? [];
  if (!name) throw coded(new TypeError(`Invalid module "${request}" is not a valid package name`), "ERR_INVALID_MODULE_SPECIFIER");
  return [name, rest];
}

/** What a package exports as a subpath, if it says what it exports. */
function exported({ folder, data }, subpath, kind, from) {
  if (data.exports === undefined || data.exports === null) return undefined;
  const entry = subpath ? `.${subpath}` : ".";
  let targets;
  try {
    targets = ofExports(data, entry, { unsafe: true, conditions: conditions[kind] });
  } catch {
    // it is said below
  }
  const target = targets?.find((one) => one.startsWith("./"));
  if (target) return resolve(folder, target);
  const what = entry === "." ? 'No "exports" main defined' : `Package subpath '${entry}' is not defined by "exports"`;
  throw coded(new Error(`${what} in ${folder}/package.json${from ? ` imported from ${from}` : ""}`), "ERR_PACKAGE_PATH_NOT_EXPORTED");
}

function ownImport(request, file, kind) {
  const scope = scopeOf(file);
  let targets;
  try {
    if (scope?.data.imports) targets = ofImports(scope.data, request, { unsafe: true, conditions: conditions[kind] });
  } catch {
    // it is said below
  }
  const [target] = targets ?? [];
  if (target === undefined) {
    const where = scope ? ` in package ${scope.folder}/package.json` : "";
    throw coded(new TypeError(`Package import specifier "${request}" is not defined${where} imported from ${file}`), "ERR_PACKAGE_IMPORT_NOT_DEFINED");
  }
  return target.startsWith("./") ? { path: resolve(scope.folder, target) } : { request: target };
}

/** A package that refers to itself by its name. */
function ownExport(request, file, kind) {
  const scope = scopeOf(file);
  const [name, subpath] = parts(request);
  if (scope?.data.name !== name || scope.data.exports === undefined) return undefined;
  return exported(scope, subpath, kind, file);
}

/** What `require` finds: a path, or the name of a builtin. Undefined where there is nothing. */
export function findRequired(request, file, paths = modulePaths(dirname(file))) {
  if (isBuiltin(request)) return request;
  if (/^(\.{0,2}\/|\.{1,2}$)/.test(request)) {
    const path = resolve(dirname(file), request);
    return real((request.endsWith("/") || /(^|\/)\.{1,2}$/.test(request) ? undefined : asFile(path)) ?? asFolder(path));
  }
  if (request.startsWith("#")) {
    const found = ownImport(request, file, "require");
    return found.path ? real(found.path) : findRequired(found.request, file);
  }
  const own = ownExport(request, file, "require");
  if (own) return real(own);
  const [name, subpath] = parts(request);
  for (const folder of [...paths, ...globalPaths()]) {
    const found = packageOf(`${folder}/${name}`);
    const path = (found && exported(found, subpath, "require")) ?? asFile(`${folder}/${request}`) ?? asFolder(`${folder}/${request}`);
    if (path) return real(path);
  }
  return undefined;
}

const realFolders = new Map(); // of modules: as in Node, they are where they were

function real(path) {
  if (path === undefined) return undefined;
  try {
    const folder = dirname(path);
    if (!realFolders.has(folder)) realFolders.set(folder, realpathSync(folder));
    const here = resolve(realFolders.get(folder), basename(path));
    return lstatSync(here).isSymbolicLink() ? realpathSync(here) : here;
  } catch {
    return path; // it is said when it is read
  }
}

/** What `import` finds: a URL of a file, or one of a builtin ("node:..."). Throws Node's errors. */
export function findImported(request, from) {
  if (isBuiltin(request)) return request.startsWith("node:") ? request : `node:${request}`;
  if (/^(file|data|https?|node):/.test(request)) {
    if (request.startsWith("node:")) throw coded(new Error(`No such built-in module: ${request}`), "ERR_UNKNOWN_BUILTIN_MODULE");
    if (request.startsWith("http")) throw coded(new Error("Only URLs with a scheme in: file, data, and node are supported by the default ESM loader."), "ERR_UNSUPPORTED_ESM_URL_SCHEME");
    return request.startsWith("file:") ? existing(fileURLToPath(request), request, from) : request;
  }
  if (/^\.{0,2}\//.test(request) || /^\.{1,2}$/.test(request)) {
    const url = new URL(request, pathToFileURL(from));
    return existing(fileURLToPath(url), request, from, url.search + url.hash);
  }
  if (request.startsWith("#")) {
    const found = ownImport(request, from, "import");
    return found.path ? existing(found.path, request, from) : findImported(found.request, from);
  }
  const own = ownExport(request, from, "import");
  if (own) return existing(own, request, from);
  const [name, subpath] = parts(request);
  for (const folder of modulePaths(dirname(from))) {
    const path = `${folder}/${name}`;
    if (kindOf(path) !== "folder") continue;
    const found = packageOf(path);
    const target = (found && exported(found, subpath, "import", from)) ?? (subpath ? `${path}${subpath}` : asFolder(path));
    return existing(target ?? `${path}/index.js`, request, from);
  }
  throw coded(new Error(`Cannot find package '${name}' imported from ${from}`), "ERR_MODULE_NOT_FOUND");
}

function existing(path, request, from, rest = "") {
  const kind = kindOf(path);
  if (kind === "folder") {
    throw coded(new Error(`Directory import '${path}' is not supported resolving ES modules imported from ${from}`), "ERR_UNSUPPORTED_DIR_IMPORT");
  }
  if (!kind) throw coded(new Error(`Cannot find module '${path}' imported from ${from}`), "ERR_MODULE_NOT_FOUND", { url: pathToFileURL(path).href });
  return pathToFileURL(real(path)).href + rest;
}

const FORMATS = { ".mjs": "module", ".cjs": "commonjs", ".json": "json", ".node": "addon", ".mts": "module-typescript", ".cts": "commonjs-typescript" };

/** What a file is: module, commonjs, json, addon; undefined where only its text can tell. With "-typescript" where it has types. */
export function formatOf(path) {
  const extension = extname(path);
  if (FORMATS[extension]) return FORMATS[extension];
  const type = scopeOf(path)?.data.type;
  const known = type === "module" || type === "commonjs" ? type : undefined;
  if (extension === ".ts") return known ? `${known}-typescript` : "typescript";
  return known;
}
