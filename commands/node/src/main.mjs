// node: programs of Node in VMs, over agents/sdk/node.

import "../../../agents/sdk/node/globals.mjs";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as agentSdk from "../../../agents/sdk/javascript/torpor-agent/sdk.mjs";
import { takeOutput } from "../../../agents/sdk/javascript/torpor-agent/wire.mjs";
import { guard, onUncaught, runTicks } from "../../../agents/sdk/node/process-global.mjs";
import { runToEnd } from "../../../agents/sdk/web/loop.mjs";
import { goLive } from "../../../agents/sdk/web/prelude.mjs";
import { unhandled } from "../../../agents/sdk/web/rejections.mjs";
import { addBuiltin, addOwnBuiltin, builtin, builtinNames } from "./builtin.mjs";
import { Module, moduleAt, requireOf } from "./commonjs.mjs";
import { parseEnvironment } from "./environment.mjs";
import { detected, moduleGenerator, moduleParts, prepared, scriptFunction, scriptValue, setText } from "./evaluate.mjs";
import { rejected, setRejections, uncaught } from "./failures.mjs";
import { importer, runMain, runText } from "./modules.mjs";
import { BadOptionError, HELP, addEnvironment, parseOptions } from "./options.mjs";
import { installProperties } from "./properties.mjs";
import { addConditions, coded, findRequired, formatOf } from "./resolve.mjs";
import { installStacks } from "./stacks.mjs";
import vm from "./vm.mjs";

addBuiltin("vm", vm);
addOwnBuiltin("torpor-agent", () => {
  takeOutput();
  return { ...agentSdk };
});
Module.builtinModules = builtinNames();
installStacks();
installProperties();
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const { queueMicrotask } = globalThis;
define("queueMicrotask", (callback) => queueMicrotask(() => guard(callback)));
delete globalThis.importBuiltin;
onUncaught((error) => uncaught(error));

/** Ends with what is wrong with the command line. */
function refuse(message) {
  process.stderr.write(`node: ${message}\n`);
  process.exit(9);
}

function readEnvironment({ "env-file": files, "env-file-if-exists": perhaps }) {
  for (const file of [...files, ...perhaps.filter((one) => existsSync(one))]) {
    if (!existsSync(file)) refuse(`${file}: not found`);
    for (const [name, value] of parseEnvironment(readFileSync(file, "utf8"))) process.env[name] ??= value;
  }
}

/** The file of the program: as it is named, or as `require` would find it. */
function mainFile(given) {
  const path = resolve(given);
  const found = findRequired(path, path);
  if (found) return found;
  throw coded(new Error(`Cannot find module '${path}'`), "MODULE_NOT_FOUND", { requireStack: [] });
}

/** A program that is no file: one of the command line, or of stdin. */
async function runSource(source, name, { type, print }) {
  const typed = /typescript$/.test(type ?? "");
  setText(name, source);
  const text = typed ? builtin("module").stripTypeScriptTypes(source) : source;
  const module = moduleAt(resolve(name), name);
  const asModule = type?.startsWith("module") || (!type && detected(text, name) === "module");
  if (asModule) {
    if (print) throw coded(new Error("--print cannot be used with ESM input"), "ERR_EVAL_ESM_CANNOT_PRINT");
    return runText(text, name === "[eval]" ? "[eval1]" : name);
  }
  define("require", requireOf(module));
  define("module", module);
  define("exports", module.exports);
  define("__filename", name);
  define("__dirname", ".");
  define("$$import", importer(name));
  for (const own of builtinNames()) {
    if (own in globalThis || own.includes("/")) continue;
    Object.defineProperty(globalThis, own, { get: () => builtin(own), set: (value) => define(own, value), configurable: true });
  }
  const value = scriptValue(text, name);
  if (print) console.log(value);
}

function check(file) {
  const { source, format } = prepared(file, formatOf(file));
  if (format === "module") moduleGenerator(source, file, moduleParts(source, file), true);
  else if (format === "commonjs") scriptFunction(source, file);
}

async function start({ options, rest }) {
  if (options["stack-trace-limit"] !== undefined) Error.stackTraceLimit = Number(options["stack-trace-limit"]);
  if (options["no-warnings"]) process.emitWarning = () => {};
  setRejections(options["unhandled-rejections"] ?? "throw");
  addConditions(options.conditions);
  readEnvironment(options);
  const text = options.print ?? options.eval;
  const fromInput = text === undefined && (!rest.length || rest[0] === "-");
  if (fromInput && rest[0] === "-") rest.shift();
  process.argv.length = 1;
  if (text === undefined && !fromInput) process.argv.push(resolve(rest.shift()));
  else if (fromInput && rest.length) process.argv.push("-");
  process.argv.push(...rest);
  for (const name of options.require) Module._load(name, moduleAt(resolve("[preload]"), "internal/preload"));
  for (const name of options.import) await importer(resolve("[preload]"))(name);
  const how = { type: options["input-type"], print: options.printed };
  if (text !== undefined) return runSource(text, "[eval]", how);
  if (fromInput) {
    if (process.stdin.isTTY) refuse("there is no prompt: give a script, or one by -e, or on stdin");
    return runSource(readFileSync(0, "utf8"), "[stdin]", how);
  }
  const file = mainFile(process.argv[1]);
  if (options.check) return check(file);
  await runMain(file);
}

/** Whoever was rejected without anybody's knowledge. Returns whether there was somebody. */
function tellRejections() {
  runTicks();
  const found = unhandled();
  for (const promise of found) promise.then(undefined, (reason) => guard(() => rejected(reason, promise)));
  return found.length > 0;
}

async function main() {
  const [, , ...words] = process.argv;
  let parsed;
  try {
    parsed = parseOptions(words);
    addEnvironment(parsed.options, process.env.NODE_OPTIONS ?? "");
  } catch (error) {
    if (error instanceof BadOptionError) return refuse(error.message);
    throw error;
  }
  process.execArgv = words.slice(0, words.length - parsed.rest.length);
  if (parsed.options.version) return void process.stdout.write(`${process.version}\n`);
  if (parsed.options.help) return void process.stdout.write(HELP);
  let ended = false;
  start(parsed).then(
    () => (ended = true),
    (error) => {
      ended = true;
      uncaught(error);
    },
  );
  runTicks();
  const call = (callback) => {
    guard(callback);
    runTicks();
  };
  await runToEnd(tellRejections, call, () => call(() => ended && process.emit("beforeExit", process.exitCode ?? 0)));
  if (!ended) {
    process.stderr.write("Warning: Detected unsettled top-level await\n");
    process.exitCode = 13;
  }
  process.exit();
}

export const run = {
  async run() {
    goLive();
    unhandled(); // of while this was built
    await main();
  },
};
