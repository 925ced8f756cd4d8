// What /usr/lib/node/typescript.js is made of: sucrase, with what Node's own stripping of types does and not more.

import { transform } from "sucrase";

/** JavaScript with the same lines. Imports that are not said to be of types stay, as they do in Node. */
export const strip = (source, filePath) =>
  transform(source, { transforms: ["typescript"], disableESTransforms: true, keepUnusedImports: true, filePath }).code;
