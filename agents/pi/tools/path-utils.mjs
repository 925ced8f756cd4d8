// In the place of pi's path-utils.js, which takes "@" from the beginning of a path, and looks for other files where there is none of
// the name: in a VM a path is what a shell makes of it.

import { absolutePath } from "./paths.mjs";

export const expandPath = (path) => absolutePath(path, process.cwd());
export const resolveToCwd = absolutePath;
export const resolveReadPath = absolutePath;
