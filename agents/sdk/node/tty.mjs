// node:tty: whether a descriptor is a terminal. Its streams are those of `process`.

import { absent } from "./errors.mjs";
import { isTerminal as isatty } from "./process.mjs";

export { isatty };
export const ReadStream = absent("tty.ReadStream");
export const WriteStream = absent("tty.WriteStream");
export default { isatty, ReadStream, WriteStream };
