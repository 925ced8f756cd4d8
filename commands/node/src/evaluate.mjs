// Texts of programs: read, without types, and evaluated under the name of their file.

import { readFileSync } from "node:fs";
import { lexModule, lexScript } from "./lexed.mjs";
import { withoutProperties } from "./properties.mjs";
import { faultOf, generatorOf, rewriteModule, rewriteScript } from "./rewrite.mjs";
import { coded, formatOf } from "./resolve.mjs";
import { evaluatedAs, hasPlace, setLead, setPlace } from "./stacks.mjs";
import { withoutTypes } from "./typescript.mjs";

const indirect = eval;
const texts = new Map(); // file -> its text, where that is in no file
/** What only a module may have, or may have at its top level. */
const OF_MODULES = /\b(import|export|await)\b/;

/** A text that goes by the name of a file, such as "[eval]". */
export const setText = (file, text) => void texts.set(file, text);

/** What is in a file, as a person wrote it. */
export const textOf = (file) => texts.get(file) ?? readFileSync(file, "utf8").replace(/^\ufeff/, "");

/** Evaluates a text whose lines are a file's; `before` is what the first has besides, and did not come from there. */
function evaluate(code, file, before) {
  setLead(file, before);
  const named = (text) => `${text}\n//# sourceURL=${evaluatedAs(file)}`;
  try {
    return indirect(named(code));
  } catch (error) {
    if (!(error instanceof SyntaxError) || !/property name in regular expression/.test(error.message)) throw error;
    return indirect(named(withoutProperties(code)));
  }
}

const WRAPPER = ["(function (exports, require, module, __filename, __dirname, $$import) { ", "\n})"];

const withImports = (source, file) => (/\bimport\s*\(/.test(source) ? (lexScript(source) ?? rewriteScript(source, file)) : source);

let last = {}; // what was made last: whether a file is a script is known when it has been

/** The function that a CommonJS module is. Throws SyntaxError with its place. */
export function scriptFunction(source, file) {
  if (last.file === file && last.source === source) return last.run;
  try {
    const run = evaluate(WRAPPER.join(withImports(source.replace(/^#!/, "//"), file)), file, WRAPPER[0].length);
    last = { source, file, run };
    return run;
  } catch (error) {
    if (error instanceof SyntaxError) throw located(error, source, file, WRAPPER[0].length);
    throw error;
  }
}

/** What a script comes to, in the global scope. */
export function scriptValue(source, file) {
  const text = withImports(source, file);
  try {
    return evaluate(text, file, 0);
  } catch (error) {
    // The script may have run, and have thrown one of its own.
    throw error instanceof SyntaxError && !hasPlace(error) ? (faultOf(source, file) ?? error) : error;
  }
}

function located(error, source, file, before) {
  if (hasPlace(error)) return error;
  const found = faultOf(source, file);
  if (found) return found;
  const { lineNumber: line, columnNumber } = error;
  return setPlace(error, { file, line, column: Math.max(1, columnNumber - (line === 1 ? before : 0)) });
}

/** A module's parts, as far as there are any before it is known what its imports are. Throws SyntaxError with its place. */
export const moduleParts = (source, file) => lexModule(source) ?? rewriteModule(source, file);

/**
 * The generator that a module is.
 *
 * @param {boolean} exact that what it imports may change, or may not be there yet, when it runs
 * @returns {object} `start`, `asynchronous`, and, if it is another than before, all parts of the module
 */
export function moduleGenerator(source, file, parts, exact) {
  if (parts.rewrite && !exact) {
    const lexed = parts.rewrite();
    try {
      const asynchronous = waits(lexed, file);
      const { code, lead } = generatorOf(lexed, asynchronous);
      return { start: evaluate(code, file, lead), asynchronous };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // The parser knows better, and says what is wrong.
    }
  }
  const whole = parts.rewrite ? rewriteModule(source, file) : parts;
  const { code, lead } = generatorOf(whole, whole.asynchronous);
  try {
    return { ...whole, start: evaluate(code, file, lead) };
  } catch (error) {
    throw error instanceof SyntaxError ? setPlace(error, { file, line: error.lineNumber, column: error.columnNumber }) : error;
  }
}

/** Whether a module waits at its top level: it is no function then that does not. */
function waits(lexed, file) {
  if (!/\bawait\b/.test(lexed.body)) return false;
  // Outside of modules and of functions that wait, `await (x)` would be a call.
  const body = lexed.body.replace(/(?<!\bfor\s*)\bawait\b(?=\s*[([`+\-/])/g, "await void ");
  try {
    evaluate(generatorOf({ ...lexed, body }, false).code, file, 0);
    return false;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return true;
  }
}

/** The text without types, and what it is: "module" or "commonjs". */
export function prepared(file, format = formatOf(file)) {
  const typed = /typescript$/.test(format ?? "");
  const source = typed ? withoutTypes(textOf(file), file) : textOf(file);
  const known = format?.replace(/-?typescript$/, "");
  return { source, format: known || detected(source, file) };
}

/** What a text is of which nobody has said it: a module if it is one, and no script. */
export function detected(source, file) {
  if (!OF_MODULES.test(source)) return "commonjs";
  try {
    scriptFunction(source, file);
    return "commonjs";
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  try {
    moduleGenerator(source, file, moduleParts(source, file), false);
    return "module";
  } catch {
    return "commonjs"; // which is what is wrong with it
  }
}

/** What a JSON file says. */
export function jsonOf(file) {
  try {
    return JSON.parse(textOf(file));
  } catch (error) {
    if (error instanceof SyntaxError) error.message = `${file}: ${error.message}`;
    throw error;
  }
}

export const noAddon = (file) => coded(new Error(`${file} is a native addon, which a VM cannot load`), "ERR_DLOPEN_FAILED");
