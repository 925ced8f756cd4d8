// What componentize-js puts between a program and the host, with less in it: a hook of Node's module loader, for build.mjs.
//
// Each call of the host goes through JavaScript of componentize-js, and a guest's is interpreted. A third of it goes to
// lines for a debugger that asks for a variable of the environment twice a call, and to a loop that counts the bytes of
// texts. For a path of 34 characters that was half of what a call takes.

import { register } from "node:module";

/** Has componentize-js write lean bindings; to be called before it is imported. */
export function makeBindingsLean() {
  register(import.meta.url);
}

const VERSION = "is this another version of componentize-js?";
const WRITTEN = "await writeFile(initializerPath, jsBindings);";

/** The loader's hook, which Node calls in a thread of its own. */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith("/componentize-js/src/componentize.js")) return loaded;
  const source = String(loaded.source);
  if (!source.includes(WRITTEN)) throw new Error(`${url} does not write bindings: ${VERSION}`);
  const lean = WRITTEN.replace("jsBindings", "makeLean(jsBindings)");
  return { ...loaded, source: `import { makeLean } from ${JSON.stringify(import.meta.url)};${source.replace(WRITTEN, lean)}` };
}

const TRACE = /^ *_debugLog\('[^']*', ?\{[^}]*\}\);\n/gm;
const ENCODE = /^function _utf8AllocateAndEncode\(s, realloc, memory\) \{\n.*?^\}$/ms;

const ENCODE_AT_ONCE = `function _utf8AllocateAndEncode(s, realloc, memory) {
  if (typeof s !== "string") throw new TypeError("expected a string, received [" + typeof s + "]");
  if (!s) return { ptr: 1, len: 0 };
  const bytes = TEXT_ENCODER_UTF8.encode(s);
  const ptr = realloc(0, 0, 1, bytes.length);
  new Uint8Array(memory.buffer, ptr, bytes.length).set(bytes);
  return { ptr, len: bytes.length };
}`;

/** Bindings without what only costs. */
export function makeLean(bindings) {
  const untraced = bindings.replace(TRACE, "");
  if (untraced === bindings) throw new Error(`the bindings have no traces: ${VERSION}`);
  // Worlds without a text have none.
  if (!bindings.includes("_utf8AllocateAndEncode")) return untraced;
  if (!ENCODE.test(untraced)) throw new Error(`the bindings encode texts in another way: ${VERSION}`);
  return untraced.replace(ENCODE, () => ENCODE_AT_ONCE);
}
