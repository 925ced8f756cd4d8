// What is said of an error that nobody catches, and how the program ends then.

import { inspect } from "node:util";
import { textOf } from "./evaluate.mjs";
import { placeOf } from "./stacks.mjs";

const WIDTH = 200; // characters before and after the place

let rejections = "throw";
export const setRejections = (mode) => void (rejections = mode);

/** The line that an error comes from, with a mark below. */
function excerpt({ file, line, column }) {
  let text;
  try {
    text = textOf(file).split(/\r?\n/)[line - 1];
  } catch {
    // it is no file, or was one
  }
  if (text === undefined) return `${file}:${line}\n`;
  // Of lines that nobody has written, a part.
  const start = Math.max(0, column - WIDTH);
  const shown = text.slice(start, start + 2 * WIDTH);
  return `${file}:${line}\n${shown}\n${shown.slice(0, column - 1 - start).replace(/[^\t]/g, " ")}^\n`;
}

/** An error as it is shown. */
function shown(error) {
  if (!(error instanceof Error)) return `Uncaught:\n${inspect(error)}\n(Use \`node --trace-uncaught ...\` to show where the exception was thrown)\n`;
  const place = placeOf(error);
  // One of which no call is in the program is shown in brackets elsewhere.
  const text = inspect(error).replace(/^\[(.*)\]/s, (whole, inner) => (inner === error.stack ? inner : whole));
  return `${place ? `${excerpt(place)}\n` : ""}${text}\n`;
}

/** Tells of an error and ends the program, unless it has a handler of its own. */
export function uncaught(error, origin = "uncaughtException") {
  process.emit("uncaughtExceptionMonitor", error, origin);
  if (process.listenerCount("uncaughtException")) {
    try {
      process.emit("uncaughtException", error, origin);
    } catch (second) {
      end(second, 7);
    }
    return;
  }
  end(error, 1);
}

function end(error, code) {
  process.stderr.write(`${shown(error)}\nNode.js ${process.version}\n`);
  process.exitCode = code;
  process.exit();
}

/** A promise that was rejected, of which nobody wants to know. */
export function rejected(reason, promise) {
  if (process.listenerCount("unhandledRejection")) {
    process.emit("unhandledRejection", reason, promise);
    if (rejections !== "strict") return;
  }
  if (rejections === "none") return;
  if (rejections.startsWith("warn")) {
    process.stderr.write(`(node:${process.pid}) UnhandledPromiseRejectionWarning: ${reason instanceof Error ? reason.stack : inspect(reason)}\n`);
    if (rejections === "warn-with-error-code") process.exitCode = 1;
    return;
  }
  if (reason instanceof Error) return uncaught(reason, "unhandledRejection");
  const text =
    "This error originated either by throwing inside of an async function without a catch block, or by rejecting a promise which was not handled with " +
    `.catch(). The promise rejected with the reason "${typeof reason === "string" ? reason : inspect(reason)}".`;
  const error = Object.assign(new Error(text), { code: "ERR_UNHANDLED_REJECTION" });
  Object.defineProperty(error, "name", { value: "UnhandledPromiseRejection", configurable: true });
  error.stack = `[UnhandledPromiseRejection: ${text}]`;
  uncaught(error, "unhandledRejection");
}
