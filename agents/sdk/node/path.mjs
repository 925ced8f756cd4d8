// node:path: the npm package, which is Node's own code for POSIX. It looks at each character, so paths that are in their plain form
// already, as nearly all are, are told from others first: that is the engine's own search.

import posix from "path-browserify";

const { join: joinAny, normalize: normalizeAny, resolve: resolveAny } = posix;

/** Whether it has no empty names, no "." and no "..". */
const isPlain = (path) => path !== "" && path[0] !== "." && !path.includes("//") && !(path.includes("/.") && /\/\.\.?(?:\/|$)/.test(path));

function join(...parts) {
  const path = parts.every((part) => typeof part === "string") ? parts.filter(Boolean).join("/") : "";
  return isPlain(path) ? path : joinAny(...parts);
}

const normalize = (path) => (typeof path === "string" && isPlain(path) ? path : normalizeAny(path));

function resolve(...parts) {
  const last = parts.findLastIndex((part) => typeof part !== "string" || part[0] === "/");
  const path = last >= 0 && typeof parts[last] === "string" ? parts.slice(last).filter(Boolean).join("/") : "";
  return isPlain(path) && !path.endsWith("/") ? path : resolveAny(...parts);
}

Object.assign(posix, { join, normalize, resolve });
export { join, normalize, resolve };
export const { basename, delimiter, dirname, extname, format, isAbsolute, parse, relative, sep } = posix;
export const toNamespacedPath = (path) => path;

/** Guests have paths of POSIX only: those of Windows are taken for such. */
export const win32 = posix;
Object.assign(posix, { posix, win32, toNamespacedPath });
export { posix };
export default posix;
