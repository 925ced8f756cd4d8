// Errors' stacks as Node's programs know them: a head of name and message, and a line for each call, of the program's own files.

const ENGINE_FRAME = /^(.*?)@(.*):(\d+):(\d+)$/;
/** The component's own modules, and what calls them: a program's files are told with their whole path. */
const OWN = /^source\.js$|\/sources\/initializer\.js$/;
const LIMIT = 10;

const lead = new Map(); // file -> characters that are before its first line in what is evaluated

/** The name of a text for the engine, which ends it at a space. */
export const evaluatedAs = (file) => file.replace(/[\s%]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
const fileOf = (name) => name.replace(/%([0-9a-f]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));

/** Says how much is before a file's first line. */
export const setLead = (file, count) => void lead.set(file, count);

/** A call of the program, as V8 has it for Error.prepareStackTrace. */
class CallSite {
  constructor(name, file, line, column, isAsync) {
    Object.assign(this, { name, file, line, column, isAsync });
  }
  getFileName() {
    return this.file;
  }
  getScriptNameOrSourceURL() {
    return this.file;
  }
  getLineNumber() {
    return this.line;
  }
  getColumnNumber() {
    return this.column;
  }
  getFunctionName() {
    return this.name || null;
  }
  getMethodName() {
    return null;
  }
  getTypeName() {
    return null;
  }
  getEvalOrigin() {
    return undefined;
  }
  getThis() {}
  getFunction() {}
  isNative() {
    return false;
  }
  isToplevel() {
    return !this.name;
  }
  isEval() {
    return false;
  }
  isConstructor() {
    return false;
  }
  toString() {
    const place = `${this.file}:${this.line}:${this.column}`;
    return `${this.isAsync ? "async " : ""}${this.name ? `${this.name} (${place})` : place}`;
  }
}

/** The calls of an engine's stack. A limit is what Error.stackTraceLimit says. */
function callsOf(text, below) {
  const calls = [];
  for (const line of text.split("\n")) {
    const match = ENGINE_FRAME.exec(line);
    if (!match || OWN.test(match[2])) continue;
    const [, whole, place, row, column] = match;
    const isAsync = /^async\*/.test(whole);
    const path = whole.replace(/^(async|promise callback)\*/, "");
    // "outer/inner" is a function in another, "outer/<" one without a name.
    const name = path.endsWith("<") ? "" : path.slice(path.lastIndexOf("/") + 1);
    const file = fileOf(place);
    calls.push(new CallSite(name, file, Number(row), Number(column) - (row === "1" ? (lead.get(file) ?? 0) : 0), isAsync));
  }
  if (below) {
    const at = calls.findIndex(({ name }) => name === below || name.endsWith(`.${below}`));
    if (at >= 0) calls.splice(0, at + 1);
  }
  const limit = Error.stackTraceLimit;
  return calls.slice(0, typeof limit === "number" ? Math.max(0, limit) : LIMIT);
}

function headOf(error) {
  try {
    const { name = "Error", message = "" } = error;
    return message === "" ? String(name) : name === "" ? String(message) : `${name}: ${message}`;
  } catch {
    return "Error";
  }
}

function stackOf(error, text, below) {
  const calls = callsOf(text, below);
  if (typeof Error.prepareStackTrace === "function") return Error.prepareStackTrace(error, calls);
  return [headOf(error), ...calls.map((call) => `    at ${call}`)].join("\n");
}

const { get, set } = Object.getOwnPropertyDescriptor(Error.prototype, "stack");
/** What the engine has of an error's stack. */
const engineStack = (error) => get.call(error) ?? "";

const places = new WeakMap(); // error -> {file, line, column}

/** Says where the text is that an error is about. */
export function setPlace(error, place) {
  places.set(error, place);
  return error;
}

export const hasPlace = (error) => places.has(error);

/** Where an error is from: what has been said of it, or its first call in the program. */
export const placeOf = (error) => places.get(error) ?? (error instanceof Error ? callsOf(engineStack(error))[0] : undefined);

/** Puts V8's forms in place of the engine's. */
export function installStacks() {
  Error.stackTraceLimit = LIMIT;
  const stacks = new WeakMap();
  Object.defineProperty(Error.prototype, "stack", {
    get() {
      const text = get.call(this);
      if (typeof text !== "string") return text;
      // As it was when it was first asked for: what is put before the message later is not in it.
      if (!stacks.has(this)) stacks.set(this, stackOf(this, text));
      return stacks.get(this);
    },
    set,
    configurable: true,
  });
  Error.captureStackTrace = (target, caller) => {
    const value = stackOf(target, engineStack(new Error()), typeof caller === "function" ? caller.name : undefined);
    Object.defineProperty(target, "stack", { value, writable: true, configurable: true });
  };
}
