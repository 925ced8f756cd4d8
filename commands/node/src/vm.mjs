// node:vm, as far as one global scope goes: a context is an object in which a script looks for its names before it looks there.

import { coded } from "./resolve.mjs";
import { evaluatedAs } from "./stacks.mjs";

const contexts = new WeakSet();
const indirect = eval;
const named = (code, options) => `${code}\n//# sourceURL=${evaluatedAs((typeof options === "string" ? options : options?.filename) ?? "evalmachine.<anonymous>")}`;

export function createContext(object = {}) {
  contexts.add(object);
  return object;
}
export const isContext = (object) => contexts.has(object);

export const runInThisContext = (code, options) => indirect(named(String(code), options));

/** Runs a script whose names are the object's properties: those that it assigns to, too, but none that it declares. */
export function runInContext(code, context, options) {
  if (!isContext(context)) throw coded(new TypeError('The "contextifiedObject" argument must be an vm.Context'), "ERR_INVALID_ARG_TYPE");
  const scope = new Proxy(context, {
    has: (_, name) => typeof name === "string" && name !== "$$code",
    get: (object, name) => (name in object || typeof name === "symbol" ? object[name] : name === "globalThis" ? object : global(name)),
  });
  return new Function("$$scope", "$$code", "with ($$scope) return eval($$code)")(scope, named(String(code), options));
}

function global(name) {
  if (name in globalThis) return globalThis[name];
  throw new ReferenceError(`${name} is not defined`);
}

export const runInNewContext = (code, object = {}, options) => runInContext(code, createContext(object), options);

export class Script {
  #code;
  #options;

  constructor(code, options) {
    this.#code = String(code);
    this.#options = options;
    new Function(this.#code); // what is no script is refused at once
  }
  runInThisContext() {
    return runInThisContext(this.#code, this.#options);
  }
  runInContext(context) {
    return runInContext(this.#code, context, this.#options);
  }
  runInNewContext(object = {}) {
    return this.runInContext(createContext(object));
  }
}

export function compileFunction(code, names = [], options = {}) {
  return indirect(named(`(function (${names.join(", ")}) {${code}\n})`, options));
}

export default { Script, compileFunction, createContext, isContext, runInContext, runInNewContext, runInThisContext };
