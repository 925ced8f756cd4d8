// node:path: the npm package, which is Node's own code for POSIX.

import posix from "path-browserify";

export const { basename, delimiter, dirname, extname, format, isAbsolute, join, normalize, parse, relative, resolve, sep } = posix;
export const toNamespacedPath = (path) => path;

/** Guests have paths of POSIX only: those of Windows are taken for such. */
export const win32 = posix;
Object.assign(posix, { posix, win32, toNamespacedPath });
export { posix };
export default posix;
