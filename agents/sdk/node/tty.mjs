// node:tty: agents have no terminal.

import { absent } from "./errors.mjs";

export const isatty = () => false;
export const ReadStream = absent("tty.ReadStream");
export const WriteStream = absent("tty.WriteStream");
export default { isatty, ReadStream, WriteStream };
