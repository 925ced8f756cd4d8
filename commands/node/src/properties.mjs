// Unicode's properties in regular expressions, which the engine has no data for: `\\p{L}` is spelled out as the characters that it is.
// The data is in a file of the base system, and is read when the engine has refused an expression.

import { library } from "./library.mjs";

const PROPERTY = /\\([pP])\{([\w=]+)\}/y;

function charactersOf(kind, expression) {
  const { charactersOf } = library("unicode");
  return charactersOf(expression, kind === "P");
}

/** A pattern without properties, for these flags; undefined if it has none that are known. */
export function spelledOut(pattern, flags) {
  if (!/[uv]/.test(flags)) return undefined;
  let out = "";
  let depth = 0;
  let changed = false;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === "\\") {
      PROPERTY.lastIndex = at;
      const found = PROPERTY.exec(pattern);
      const characters = found && charactersOf(found[1], found[2]);
      if (found && characters === undefined) return undefined;
      out += found ? (depth && !flags.includes("v") ? characters : `[${characters}]`) : pattern.slice(at, at + 2);
      at += found ? found[0].length - 1 : 1;
      changed ||= Boolean(found);
      continue;
    }
    if (character === "[" && (!depth || flags.includes("v"))) depth++;
    if (character === "]" && depth) depth--;
    out += character;
  }
  return changed ? out : undefined;
}

/** What a regular expression is that begins with the slash at a place: its pattern, flags and end. `nested`: classes may be in classes. */
function literalAt(text, start, nested) {
  let depth = 0;
  for (let at = start + 1; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") depth = nested ? depth + 1 : 1;
    else if (text[at] === "]" && depth) depth--;
    else if (text[at] === "/" && !depth) {
      const [flags] = /^[a-z]*/.exec(text.slice(at + 1, at + 12));
      return { pattern: text.slice(start + 1, at), flags, end: at + 1 + flags.length };
    }
  }
  return undefined;
}

/**
 * A program whose regular expressions are without properties. Where one begins is not known without a parser: at the first slash of a line
 * from which on there is one, with properties in it, whose flags allow them.
 */
export function withoutProperties(source) {
  return source.replace(/^.*\\[pP]\{.*$/gm, (line) => {
    let out = "";
    let copied = 0;
    for (let at = line.indexOf("/"); at >= 0; at = line.indexOf("/", at + 1)) {
      const literal = [literalAt(line, at, false), literalAt(line, at, true)].find((one) => one && isExpression(one));
      if (!literal) continue;
      out += `${line.slice(copied, at)}/${spelledOut(literal.pattern, literal.flags)}/${literal.flags}`;
      copied = literal.end;
      at = copied - 1;
    }
    return out + line.slice(copied);
  });
}

function isExpression({ pattern, flags }) {
  if (!/\\[pP]\{/.test(pattern) || !/^[dgimsuyv]+$/.test(flags)) return false;
  const plain = spelledOut(pattern, flags);
  if (plain === undefined) return false;
  try {
    return Boolean(new Engine(plain, flags));
  } catch {
    return false;
  }
}

const Engine = RegExp;

/** Has the constructor know properties. */
export function installProperties() {
  const made = (make, pattern, flags) => {
    try {
      return make(pattern, flags);
    } catch (error) {
      const plain = error instanceof SyntaxError ? spelledOut(String(pattern?.source ?? pattern), String(flags ?? pattern?.flags ?? "")) : undefined;
      if (plain === undefined) throw error;
      return make(plain, flags ?? pattern?.flags);
    }
  };
  const Known = new Proxy(Engine, {
    apply: (target, self, [pattern, flags]) => made((...given) => Reflect.apply(target, self, given), pattern, flags),
    get: (target, name) => target[name], // `RegExp.$1` is the engine's own
    construct: (target, [pattern, flags], own) => made((...given) => Reflect.construct(target, given, own), pattern, flags),
  });
  Engine.prototype.constructor = Known;
  globalThis.RegExp = Known;
}
