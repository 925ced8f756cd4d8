// node:string_decoder: the npm package.

import npm from "string_decoder/lib/string_decoder.js";

export const { StringDecoder } = npm;
export default { StringDecoder };
