// The quick way to rewrite a module, of which only imports and exports are looked for: what is imported becomes constants, once that
// which has it has run. It is the same to the program where nothing that is imported changes afterwards (rewrite.mjs does the rest).

import { parse } from "es-module-lexer/js";
import { Edits, NAMED } from "./edits.mjs";

const COMMENT = /\/\*[^]*?\*\/|\/\/[^\n]*/g;
/** An assignment to a name, with what declares it, if that is right before it. */
const ASSIGNMENT = /(?:\b(const|let|var)\s+)?([\w$]+)\s*(?:=(?![=>])|(?:[-+*/%&|^?<>]{1,3})=|\+\+|--)|(?:\+\+|--)\s*([\w$]+)/g;
/** A name that a loop assigns to: it is declared elsewhere. */
const LOOP = /(?<=\bfor\s*(?:await\s*)?\(\s*)[\w$]+(?=\s+(?:of|in)\b)/g;
/** The end of a pattern that is assigned to. */
const PATTERN_END = /[\]}]\s*(?:=(?![=>])|(?:of|in)\b)/g;
/** Characters before its end in which a pattern's beginning is looked for: brackets in texts may hide it. */
const LONGEST_PATTERN = 2000;
const EMPTY_EXPORT = /^[ \t]*export\s*\{\s*\}/gm;

/** What can be said of a module's names by its text alone; undefined where only a parser can tell. */
export function lexModule(source) {
  let imports, exports;
  try {
    [imports, exports] = parse(source);
  } catch {
    return undefined;
  }
  const requests = [];
  const numbers = imports.map(({ type, specifier, attributes }) => {
    if (type !== "static" && type !== "reexport-star") return undefined;
    const kind = attributes?.find(([key]) => key === "type")?.[1];
    const known = requests.findIndex((one) => one.specifier === specifier && one.type === kind);
    return known < 0 ? requests.push({ specifier, type: kind }) - 1 : known;
  });
  const parts = { requests, names: [], bindings: [], local: [], forwarded: [], stars: [], getters: new Map(), suspects: new Map() };
  for (const [index, one] of imports.entries()) {
    if (one.phase) return undefined;
    if (one.type !== "static" || !source.startsWith("import", one.importStart)) continue;
    const bindings = bindingsOf(source.slice(one.importStart, one.start));
    if (!bindings) return undefined;
    for (const [local, name] of bindings) {
      parts.bindings.push({ local, request: numbers[index], name });
      if (name !== undefined) parts.names.push({ request: numbers[index], name });
    }
  }
  for (const one of exports) {
    if (one.type === "reexport-all") parts.stars.push(numbers[one.importIndex]);
    else if (one.type === "reexport") parts.forwarded.push({ exported: one.name, request: numbers[one.importIndex], name: one.importName ?? undefined });
    else {
      const local = one.localName ?? "$$default";
      parts.local.push(one.name);
      parts.getters.set(one.name, local);
      if (!/^export\s+(const|default|class|function|async)\b/.test(source.slice(one.exportStart, one.exportStart + 40))) parts.suspects.set(one.name, local);
    }
  }
  return { ...parts, rewrite: () => rewriteLexed(source, imports, exports, parts) };
}

/** What an import brings: [local name, name there], the second undefined for all of it. Undefined where that cannot be said. */
function bindingsOf(text) {
  const clause = text.replace(COMMENT, " ").replace(/^import\s*/, "").replace(/\s*(from)?\s*['"]$/, "");
  if (/['"]/.test(clause)) return undefined;
  const [, braces] = /\{([^}]*)\}/.exec(clause) ?? [];
  const found = [];
  for (const part of clause.replace(/\{[^}]*\}/, "").split(",").map((one) => one.trim()).filter(Boolean)) {
    const [, all] = /^\*\s*as\s+(\S+)$/.exec(part) ?? [];
    found.push(all ? [all, undefined] : [part, "default"]);
  }
  for (const part of (braces ?? "").split(",").map((one) => one.trim()).filter(Boolean)) {
    const [name, local = name] = part.split(/\s+as\s+/);
    found.push([local, name]);
  }
  return found;
}

function rewriteLexed(source, imports, exports, { requests, bindings, getters }) {
  const edits = new Edits();
  const statements = new Set();
  for (const { type, start, end, importStart, importEnd } of imports) {
    if (type === "import-meta") edits.put(start, end, "$$meta");
    else if (type === "dynamic") edits.put(importStart, importStart + "import".length, "$$import");
    else {
      edits.blank(source, importStart, importEnd);
      statements.add(importStart);
    }
  }
  let ending = "";
  for (const { exportStart: start, localName } of exports) {
    if (statements.has(start)) continue;
    statements.add(start);
    const head = /^export\s*(default\b|\{)?/.exec(source.slice(start, start + 1000))[0];
    const rest = start + head.length;
    if (head.endsWith("{")) edits.blank(source, start, source.indexOf("}", rest) + 1);
    else if (!head.endsWith("default")) edits.blank(source, start, start + "export".length);
    else {
      const [declaration, gap, word] = /^((?:\s|\/\*[^]*?\*\/|\/\/[^\n]*\n)*)((?:async\s+)?function\b\s*\*?|class\b)?/.exec(source.slice(rest, rest + 1000));
      if (!word) {
        edits.put(start, rest, "const $$default =");
        ending = NAMED;
      } else {
        edits.blank(source, start, rest);
        if (localName !== undefined) continue;
        edits.put(rest + declaration.length, rest + declaration.length, " $$default");
        ending = NAMED;
      }
    }
  }
  for (const { index, 0: text } of source.matchAll(EMPTY_EXPORT)) edits.blank(source, index, index + text.length);
  const constants = bindings.map(({ local, request, name }) =>
    name === undefined ? `const ${local} = $$${request};` : `const ${local} = $$${request}[${JSON.stringify(name)}];`,
  );
  const exported = [...getters].map(([outer, local]) => `${JSON.stringify(outer)}: () => ${local}`);
  return { body: edits.apply(source).replace(/^#!/, "//"), before: constants.join(" "), ending, getters: exported, count: requests.length };
}

/** Of these local names those that are assigned to elsewhere than where they are declared, as far as the text tells. */
export function changing(source, locals) {
  const once = new Set();
  const found = new Set();
  for (const { 1: declared, 2: name, 3: other, index, 0: text } of source.matchAll(ASSIGNMENT)) {
    const local = name ?? other;
    if (!locals.has(local) || found.has(local)) continue;
    if (!declared && source[index + text.indexOf(local) - 1] === ".") continue;
    if (!declared || once.has(local)) found.add(local);
    once.add(local);
  }
  for (const text of [...patterns(source), ...(source.match(LOOP) ?? [])]) {
    for (const name of text.match(/[\w$]+/g) ?? []) if (locals.has(name)) found.add(name);
  }
  return found;
}

/** The patterns that something is assigned to without being declared there, such as `[a, b]` before "=". */
function* patterns(source) {
  for (const { index } of source.matchAll(PATTERN_END)) {
    let start = index;
    for (let depth = 0; start > 0 && index - start < LONGEST_PATTERN; start--) {
      if ("]})".includes(source[start])) depth++;
      else if ("[{(".includes(source[start]) && !--depth) break;
    }
    // Behind a word it is declared, and a bracket behind a value is a member of that.
    if (!/[\w$)\]]$/.test(source.slice(Math.max(0, start - 20), start).trimEnd())) yield source.slice(start, index);
  }
}

/** A script with `import()` of ours; undefined where only a parser can tell. */
export function lexScript(source) {
  try {
    const edits = new Edits();
    for (const { type, importStart } of parse(source)[0]) if (type === "dynamic") edits.put(importStart, importStart + "import".length, "$$import");
    return edits.apply(source);
  } catch {
    return undefined;
  }
}
