// ES modules: found, linked and run as the language says, over the generators of rewrite.mjs.

import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { builtin } from "./builtin.mjs";
import { Module, serveModules } from "./commonjs.mjs";
import { jsonOf, moduleGenerator, moduleParts, noAddon, prepared, setText, textOf } from "./evaluate.mjs";
import { changing } from "./lexed.mjs";
import { coded, findImported, formatOf, scopeOf } from "./resolve.mjs";
import { setPlace } from "./stacks.mjs";
import { withoutTypes } from "./typescript.mjs";

const records = new Map(); // URL, with the type that was asked for -> record
let mainUrl;

/** One module. Its namespace is there from the start, and gets its properties when it is linked or, of CommonJS modules, run. */
class Record {
  requests = [];
  names = [];
  forwarded = [];
  stars = [];
  local = [];
  dependencies = [];
  /** Whether all of its names are known before it has run. */
  open = false;
  state = "new";
  namespace = Object.create(null);

  constructor(url, file) {
    Object.defineProperties(this.namespace, { [Symbol.toStringTag]: { value: "Module" }, [SHOWN]: { value: show } });
    Object.assign(this, { url, file });
  }

  /** Takes over a module's parts. */
  take({ requests, names, local, forwarded, stars }) {
    return Object.assign(this, { requests, names, local, forwarded, stars });
  }

  /** Of its own names those that change after it has run. */
  get changes() {
    const { suspects } = this.parts;
    if (!this.changing && suspects) {
      const found = changing(this.source, new Set(suspects.values()));
      this.changing = new Set([...suspects].filter(([, local]) => found.has(local)).map(([name]) => name));
    }
    return this.changing ?? new Set(this.local);
  }

  has(name) {
    return name in this.namespace;
  }

  define(name, get) {
    Object.defineProperty(this.namespace, name, { get, enumerable: true, configurable: true });
  }

  /** Its exports, of a module that is none of the language's. */
  fill(value, names, more = {}) {
    const getters = { ...Object.fromEntries(names.map((name) => [name, () => value[name]])), ...more, default: () => value };
    for (const name of Object.keys(getters).sort()) this.define(name, getters[name]);
  }
}

/** How a namespace is shown: as it is, and not as properties of which each has to be asked for. */
const SHOWN = Symbol.for("nodejs.util.inspect.custom");
function show() {
  const shown = Object.create(null, { [Symbol.toStringTag]: { value: "Module" } });
  for (const name of Object.keys(this)) {
    try {
      shown[name] = this[name];
    } catch {
      shown[name] = undefined; // it is not initialized
    }
  }
  return shown;
}

const keysOf = (value) => (value !== null && (typeof value === "object" || typeof value === "function") ? Object.keys(value) : []);

/** The record of a URL. */
function recordOf(url, type) {
  const key = type ? `${type} ${url}` : url;
  const known = records.get(key);
  if (known) return known;
  const record = makeRecord(url, type);
  records.set(key, record);
  return record;
}

function makeRecord(url, type) {
  if (url.startsWith("node:")) {
    const record = new Record(url);
    const value = builtin(url);
    record.fill(value, [...new Set([...keysOf(value), ...(typeof value === "function" ? [] : keysOf(Object.getPrototypeOf(value)))])]);
    return Object.assign(record, { state: "done" });
  }
  if (url.startsWith("data:")) return ofData(url, type);
  const file = fileURLToPath(url);
  const record = new Record(url, file);
  const format = formatOf(file);
  if (format === "addon") throw noAddon(file);
  if ((format === "json") !== (type === "json")) {
    const what = type ? `Module "${url}" is not of type "${type}"` : `Module "${url}" needs an import attribute of "type: json"`;
    throw coded(new TypeError(what), type ? "ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE" : "ERR_IMPORT_ATTRIBUTE_MISSING");
  }
  if (format === "json") {
    const value = jsonOf(file);
    record.define("default", () => value);
    return Object.assign(record, { state: "done" });
  }
  const found = prepared(file, format);
  if (found.format === "module") return asModule(record, found.source);
  return Object.assign(record, { open: true, script: true });
}

function asModule(record, source) {
  return Object.assign(record, { source, parts: moduleParts(source, record.file) }).take(record.parts);
}

function ofData(url, type) {
  const [, kind, encoded, text] = /^data:([^,;]*)[^,]*?(;base64)?,(.*)$/s.exec(url) ?? [];
  const source = encoded ? Buffer.from(text, "base64").toString() : decodeURIComponent(text ?? "");
  const record = new Record(url, url);
  if (kind === "application/json" && type === "json") {
    const value = JSON.parse(source);
    record.define("default", () => value);
    return Object.assign(record, { state: "done" });
  }
  if (!/javascript$/.test(kind ?? "")) throw coded(new TypeError(`Unknown module format: ${kind} for URL ${url}`), "ERR_UNKNOWN_MODULE_FORMAT");
  setText(url, source);
  return asModule(record, source);
}

/** Finds all that a module needs, and makes it ready to run. */
function link(record) {
  const fresh = [];
  try {
    collect(record, fresh);
    const circular = circles(fresh);
    for (const one of fresh) namesOf(one);
    for (const one of fresh) {
      const exact = circular.has(one) || one.names.some(({ request, name }) => mayChange(one.dependencies[request], name));
      const made = moduleGenerator(one.source, one.file, one.parts, exact);
      Object.assign(one, { start: made.start, asynchronous: made.asynchronous });
      if (!made.requests) continue;
      one.take(made);
      one.dependencies = dependenciesOf(one);
    }
    for (const one of fresh) instantiate(one);
    for (const one of fresh) {
      for (const { request, name } of [...one.names, ...one.forwarded]) {
        const other = one.dependencies[request];
        if (name !== undefined && !other.open) demand(one, other, request, name);
      }
    }
  } catch (error) {
    for (const one of fresh) one.state = "new"; // who asks again is told again
    throw error;
  }
}

function collect(record, fresh) {
  if (record.state !== "new") return;
  record.state = "linked";
  if (record.parts) fresh.push(record);
  record.dependencies = dependenciesOf(record);
  for (const one of record.dependencies) collect(one, fresh);
}

const dependenciesOf = ({ requests, file }) => requests.map(({ specifier, type }) => recordOf(findImported(specifier, file), type));

/** Those of the modules that need themselves, by others or at once, or what is still running. */
function circles(fresh) {
  const found = new Set();
  const order = new Map(); // record -> [when it was come to, the first that it leads back to]
  const path = [];
  const visit = (record) => {
    const own = [order.size, order.size];
    order.set(record, own);
    path.push(record);
    for (const one of record.dependencies) {
      if (one === record || one.state === "running") found.add(record);
      if (!one.parts || one.state !== "linked") continue;
      if (!order.has(one)) own[1] = Math.min(own[1], visit(one));
      else if (path.includes(one)) own[1] = Math.min(own[1], order.get(one)[0]);
    }
    if (own[0] === own[1]) {
      const circle = path.splice(path.indexOf(record));
      if (circle.length > 1) for (const one of circle) found.add(one);
    }
    return own[1];
  };
  for (const record of fresh) if (!order.has(record)) visit(record);
  return found;
}

/** Whether what a module exports by a name may be another value later. */
function mayChange(record, name, seen = new Set()) {
  if (!record.parts || seen.has(record)) return false;
  seen.add(record);
  const forwarded = record.forwarded.find(({ exported }) => exported === name);
  if (forwarded) return forwarded.name !== undefined && mayChange(record.dependencies[forwarded.request], forwarded.name, seen);
  if (record.local.includes(name)) return record.changes.has(name);
  return record.stars.some((number) => mayChange(record.dependencies[number], name, seen));
}

/** The names that a module exports, of which its namespace gets the properties, in their order. */
function namesOf(record, seen = new Set()) {
  if (!record.parts || seen.has(record)) return Object.keys(record.namespace);
  seen.add(record);
  const own = [...record.local, ...record.forwarded.map(({ exported }) => exported)];
  const others = new Map(); // name -> the dependency that has it
  for (const number of record.stars) {
    const one = record.dependencies[number];
    for (const name of namesOf(one, seen)) if (name !== "default" && !others.has(name)) others.set(name, one.namespace);
    record.open ||= one.open;
  }
  const all = [...new Set([...own, ...others.keys()])].sort();
  for (const name of all) if (!record.has(name)) record.define(name, others.has(name) && !own.includes(name) ? () => others.get(name)[name] : undefined);
  return all;
}

function instantiate(record) {
  const { dependencies, forwarded, start, url, file } = record;
  const meta = Object.assign(Object.create(null), {
    dirname: file.startsWith("/") ? dirname(file) : undefined,
    filename: file.startsWith("/") ? file : undefined,
    main: url === mainUrl,
    resolve: (specifier) => findImported(specifier, file),
    url,
  });
  const place = (getters) => {
    for (const [name, get] of Object.entries(getters)) record.define(name, get);
  };
  record.run = start(place, importer(file), meta, ...dependencies.map(({ namespace }) => namespace));
  record.run.next();
  for (const { exported, request, name } of forwarded) {
    const { namespace } = dependencies[request];
    record.define(exported, name === undefined ? () => namespace : () => namespace[name]);
  }
}

function demand(record, one, request, name) {
  if (one.has(name)) return;
  // Of a module of Node's that a VM has not, everything can be imported.
  const value = one.url.startsWith("node:") ? builtin(one.url)[name] : undefined;
  if (value !== undefined) return one.define(name, () => value);
  const { specifier } = record.requests[request];
  const text = one.script
    ? `Named export '${name}' not found. The requested module '${specifier}' is a CommonJS module, which does not export it`
    : `The requested module '${specifier}' does not provide an export named '${name}'`;
  const line = textOf(record.file).split("\n").findIndex((text) => text.includes(specifier)) + 1;
  throw line ? setPlace(new SyntaxError(text), { file: record.file, line, column: 1 }) : new SyntaxError(text);
}

/**
 * Runs a module and before that all that it needs. @returns {Promise<void> | undefined} a promise if it is not done yet
 */
function run(record, above = new Set()) {
  if (record.state === "done") return undefined;
  if (record.state === "failed") throw record.error;
  if (above.has(record)) return undefined; // in a circle: it comes when the others have
  if (record.state === "running") return record.pending;
  record.state = "running";
  const done = () => void (record.state = "done");
  const fail = (error) => {
    Object.assign(record, { state: "failed", error });
    throw error;
  };
  const path = new Set(above).add(record);
  const from = (first) => {
    for (let number = first; number < record.dependencies.length; number++) {
      const pending = run(record.dependencies[number], path);
      if (pending) return pending.then(() => from(number + 1));
    }
    return runOwn(record);
  };
  try {
    const pending = from(0);
    if (pending) return (record.pending = pending.then(done, fail));
  } catch (error) {
    fail(error);
  }
  return done();
}

function runOwn(record) {
  if (record.script) {
    const module = Module._cache[record.file];
    const value = module ? module.exports : Module._load(record.file, null, record.url === mainUrl);
    record.fill(value, keysOf(value), { "module.exports": () => value });
    return undefined;
  }
  if (record.open) namesOf(record);
  for (const { request, name } of record.names) if (record.dependencies[request].open) demand(record, record.dependencies[request], request, name);
  const step = record.run.next();
  return record.asynchronous ? step.then(() => undefined) : undefined;
}

function started(url, type) {
  const record = recordOf(url, type);
  link(record);
  return [record, run(record)];
}

/** `import()` of a file. */
export const importer =
  (file) =>
  async (specifier, options) => {
    const from = file.startsWith("/") ? file : `${process.cwd()}/${file}`;
    const [record, pending] = started(findImported(String(specifier), from), options?.with?.type);
    await pending;
    return record.namespace;
  };

/** Runs the program's own module. */
export async function runMain(file) {
  mainUrl = pathToFileURL(file).href;
  await started(mainUrl)[1];
}

/** Runs a text as a module that is where the program was started. */
export async function runText(source, name) {
  const file = `${process.cwd()}/${name}`;
  setText(file, source);
  const record = asModule(new Record(pathToFileURL(file).href, file), source);
  link(record);
  await run(record);
}

/** What `require` gives of a module. */
function required(record) {
  const { namespace } = record;
  if (record.has("module.exports")) return namespace["module.exports"];
  if (!record.has("default") || record.has("__esModule")) return namespace;
  if (!record.facade) {
    // As translated modules have it, which look for this.
    record.facade = new Record(record.url, record.file);
    for (const name of ["__esModule", ...Object.keys(namespace)].sort()) record.facade.define(name, name === "__esModule" ? () => true : () => namespace[name]);
  }
  return record.facade.namespace;
}

serveModules({
  importer,
  withoutTypes,
  findPackage: (_request, base) => {
    const file = String(base).startsWith("file:") ? fileURLToPath(base) : String(base);
    const found = scopeOf(file);
    return found && `${found.folder}/package.json`;
  },
  requireModule(file) {
    const [record, pending] = started(pathToFileURL(file).href);
    if (!pending) return required(record);
    pending.catch(() => {});
    throw coded(new Error(`require() cannot be used on an ESM graph with top-level await. Use import() instead. Requiring ${file}`), "ERR_REQUIRE_ASYNC_MODULE");
  },
});
