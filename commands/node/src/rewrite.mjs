// What the engine is given in the place of modules: it evaluates scripts, and can load nothing itself. This is the exact way; a
// parser that is interpreted takes so long that lexed.mjs is used wherever it is enough.
//
// A module becomes a generator. Until its first `yield` it tells where its exports are, which are there by then as far as the
// language has it: functions can be called, the rest is not initialized. After that it runs. What it imports are properties of
// namespaces, so that they change as the modules change them. Its text keeps its lines.

import { parse } from "acorn";
import { Edits, NAMED } from "./edits.mjs";
import { boundBy, walk } from "./scopes.mjs";
import { setPlace } from "./stacks.mjs";

const OPTIONS = { ecmaVersion: "latest", allowHashBang: true };

const nameOf = (node) => node.name ?? node.value;

/** What acorn says of a text that is no module or script: its place and what is wrong. */
function syntaxError(error, file) {
  const told = new SyntaxError(error.message.replace(/ \(\d+:\d+\)$/, ""));
  return setPlace(told, { file, line: error.loc.line, column: error.loc.column + 1 });
}

function parsed(source, file, options) {
  try {
    return parse(source, { ...OPTIONS, ...options });
  } catch (error) {
    throw error.loc ? syntaxError(error, file) : error;
  }
}

/** Where an error is that the engine has with a script, as SyntaxError with a place; undefined if acorn has none with it. */
export function faultOf(source, file) {
  try {
    parsed(source, file, { sourceType: "script", allowReturnOutsideFunction: true, allowAwaitOutsideFunction: false });
    return undefined;
  } catch (error) {
    return error;
  }
}

/** A script with `import()` of ours. */
export function rewriteScript(source, file) {
  const edits = new Edits();
  const program = parsed(source, file, { sourceType: "script", allowReturnOutsideFunction: true });
  walk(program, new Set(), {
    node(node) {
      if (node.type === "ImportExpression") edits.put(node.start, node.start + "import".length, "$$import");
    },
  });
  return edits.apply(source);
}

/**
 * A module's parts.
 *
 * @returns {{body: string, before: string, ending: string, getters: string[], count: number, asynchronous: boolean, requests: {specifier: string, type?: string}[],
 *   names: {request: number, name: string}[], local: string[],
 *   forwarded: {exported: string, request: number, name?: string}[], stars: number[]}} `names`: what is imported by name, without `*`;
 *   `forwarded`: what is exported of others, without a name as a whole; `stars`: of which all is
 */
export function rewriteModule(source, file) {
  const program = parsed(source, file, { sourceType: "module" });
  const edits = new Edits();
  const requests = [];
  const imported = new Map(); // local name -> what it is in the rewritten text
  const found = { names: [], forwarded: [], stars: [] };
  const exported = new Map(); // exported name -> local one
  let ending = "";
  const request = ({ source: { value }, attributes = [] }) => {
    const type = attributes.find(({ key }) => nameOf(key) === "type")?.value.value;
    const known = requests.findIndex((one) => one.specifier === value && one.type === type);
    return known < 0 ? requests.push({ specifier: value, type }) - 1 : known;
  };

  for (const statement of program.body) {
    if (statement.type !== "ImportDeclaration") continue;
    const number = request(statement);
    for (const { type, local, imported: theirs } of statement.specifiers) {
      const name = type === "ImportDefaultSpecifier" ? "default" : theirs && nameOf(theirs);
      if (name !== undefined) found.names.push({ request: number, name });
      imported.set(local.name, name === undefined ? `$$${number}` : `$$${number}[${JSON.stringify(name)}]`);
    }
    edits.blank(source, statement.start, statement.end);
  }

  for (const statement of program.body) {
    switch (statement.type) {
      case "ExportAllDeclaration": {
        const number = request(statement);
        if (statement.exported) found.forwarded.push({ exported: nameOf(statement.exported), request: number });
        else found.stars.push(number);
        edits.blank(source, statement.start, statement.end);
        break;
      }
      case "ExportNamedDeclaration":
        exportNamed(statement);
        break;
      case "ExportDefaultDeclaration":
        exportDefault(statement);
    }
  }

  function exportNamed(statement) {
    const { declaration, specifiers } = statement;
    if (declaration) {
      edits.blank(source, statement.start, declaration.start);
      const names = declaration.id ? [declaration.id.name] : declaration.declarations.flatMap(({ id }) => [...boundBy(id)]);
      for (const name of names) exported.set(name, name);
      return;
    }
    const number = statement.source ? request(statement) : undefined;
    for (const { local, exported: outer } of specifiers) {
      if (number !== undefined) found.forwarded.push({ exported: nameOf(outer), request: number, name: nameOf(local) });
      else exported.set(nameOf(outer), imported.get(local.name) ?? local.name);
    }
    edits.blank(source, statement.start, statement.end);
  }

  function exportDefault({ start, declaration }) {
    if (!/Declaration$/.test(declaration.type)) {
      edits.put(start, declaration.start, "const $$default = ");
      ending = NAMED;
      exported.set("default", "$$default");
      return;
    }
    edits.blank(source, start, declaration.start);
    exported.set("default", declaration.id?.name ?? "$$default");
    if (declaration.id) return;
    ending = NAMED;
    const head = /^(async\s+)?(function\s*\*?|class)/.exec(source.slice(declaration.start))[0];
    edits.put(declaration.start + head.length, declaration.start + head.length, " $$default");
  }

  let asynchronous = false;
  walk(program, new Set(imported.keys()), {
    node(node, inFunction) {
      if (!inFunction && (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await))) asynchronous = true;
      if (node.type === "ImportExpression") edits.put(node.start, node.start + "import".length, "$$import");
      if (node.type === "MetaProperty" && node.meta.name === "import") edits.put(node.start, node.end, "$$meta");
    },
    reference(node, kind, first) {
      const value = imported.get(node.name);
      const text = kind === "shorthand" ? `${node.name}: ${value}` : kind === "call" ? `(0, ${value})` : value;
      // Nothing else than a bracket could be taken for the rest of a line before that ends without a semicolon.
      edits.put(node.start, node.end, (first && kind === "call" ? ";" : "") + text);
    },
  });

  const getters = [...exported].map(([outer, local]) => `${JSON.stringify(outer)}: () => ${local}`);
  // A generator's text may not begin with the line that says who is to run it.
  const body = edits.apply(source).replace(/^#!/, "//");
  return { body, before: "", ending, getters, count: requests.length, asynchronous, requests, local: [...exported.keys()], ...found };
}

/** The generator of a module, and how much of its first line is not the module's. */
export function generatorOf({ body, before, ending, getters, count }, asynchronous) {
  const parameters = ["$$export", "$$import", "$$meta", ...Array.from({ length: count }, (_, number) => `$$${number}`)];
  const head = `(${asynchronous ? "async " : ""}function* (${parameters}) {"use strict"; $$export({${getters}}); yield; ${before}`;
  return { code: `${head}${body}\n${ending}})`, lead: head.length };
}
