// node:url: unenv's, which is Node's own code, with the engine's URL.

import url from "unenv/node/url";

export const { URL, URLSearchParams } = globalThis;
export const { Url, parse, format, resolve, resolveObject, fileURLToPath, pathToFileURL, domainToASCII, domainToUnicode, urlToHttpOptions } = url;
export default { ...url, URL, URLSearchParams };
