// node:util: inspect and format are Node's own code (node-inspect-extracted), and so is parseArgs.

import { parseArgs } from "@pkgjs/parseargs";
import { format, formatWithOptions, inspect, stripVTControlCharacters } from "node-inspect-extracted";
import { MIMEParams, MIMEType } from "unenv/node/util";
import { absent, codeOf, ERRNO } from "./errors.mjs";
import { isDeepStrictEqual } from "./util-equal.mjs";
import types from "./util-types.mjs";

export { format, formatWithOptions, inspect, isDeepStrictEqual, MIMEParams, MIMEType, parseArgs, stripVTControlCharacters, types };
export const { TextDecoder, TextEncoder } = globalThis;

const custom = Symbol.for("nodejs.util.promisify.custom");

export function promisify(original) {
  if (original[custom]) return original[custom];
  return function (...args) {
    return new Promise((resolve, reject) => original.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value))));
  };
}
promisify.custom = custom;

export function callbackify(original) {
  return function (...args) {
    const callback = args.pop();
    original.apply(this, args).then(
      (value) => process.nextTick(callback, null, value),
      (error) => process.nextTick(callback, error ?? Object.assign(new Error("Promise was rejected with a falsy value"), { reason: error })),
    );
  };
}

export function inherits(constructor, above) {
  Object.defineProperty(constructor, "super_", { value: above, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, above.prototype);
}

export function deprecate(original, message, code) {
  let told = false;
  return function (...args) {
    if (!told) process.emitWarning(message, "DeprecationWarning", code);
    told = true;
    return new.target ? Reflect.construct(original, args, new.target) : original.apply(this, args);
  };
}

/** Writes to stderr where NODE_DEBUG names the section. */
export function debuglog(section) {
  const enabled = () => (process.env.NODE_DEBUG ?? "").split(",").some((name) => name.trim().toLowerCase() === section.toLowerCase());
  const say = (...args) => {
    if (enabled()) process.stderr.write(`${section.toUpperCase()} ${process.pid}: ${format(...args)}\n`);
  };
  return Object.defineProperty(say, "enabled", { get: enabled });
}
export const debug = debuglog;

/** Colours, as inspect has them. */
export function styleText(styles, text) {
  const codes = [styles].flat().map((style) => {
    if (!inspect.colors[style]) throw Object.assign(new TypeError(`unknown style: ${style}`), { code: "ERR_INVALID_ARG_VALUE" });
    return inspect.colors[style];
  });
  return codes.map(([open]) => `\x1b[${open}m`).join("") + text + codes.reverse().map(([, close]) => `\x1b[${close}m`).join("");
}

export const aborted = (signal) =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true })));
export const toUSVString = (text) => String(text).toWellFormed();
export const getSystemErrorName = codeOf;
export const getSystemErrorMap = () => new Map(Object.entries(ERRNO).map(([code, number]) => [-number, [code, code]]));
export const isArray = Array.isArray;
export const _extend = (target, source) => Object.assign(target, source);
export const parseEnv = absent("util.parseEnv");

export default {
  _extend, aborted, callbackify, debug, debuglog, deprecate, format, formatWithOptions, getSystemErrorMap, getSystemErrorName, inherits, inspect,
  isArray, isDeepStrictEqual, MIMEParams, MIMEType, parseArgs, parseEnv, promisify, stripVTControlCharacters, styleText, TextDecoder, TextEncoder,
  toUSVString, types,
};
