// node:url: unenv's, which is Node's own code, with the engine's URL.

import url from "unenv/node/url";

export const { URL, URLSearchParams } = globalThis;
export const { Url, format, resolve, resolveObject, fileURLToPath, pathToFileURL, domainToASCII, domainToUnicode, urlToHttpOptions } = url;

/** Without the warning that unenv's gives, and Node's does not. */
export function parse(text, ...how) {
  if (text instanceof Url) return text;
  const found = new Url();
  found.parse(text, ...how);
  return found;
}

export default { ...url, parse, URL, URLSearchParams };
