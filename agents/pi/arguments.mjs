// The arguments of a tool call as the model wrote them. Those that are not whole are never guessed at: half a file must not take
// the place of a whole one. The call is then answered with what is wrong.

import { cut } from "./text.mjs";

/** In the place of arguments that no tool is to see; in JSON an empty object, as the API wants to have a call's input. */
export class UnusableArguments {
  #problem;

  /** @param {string} problem what is wrong with them */
  constructor(problem) {
    this.#problem = problem;
  }

  /** They ended where the whole answer did. */
  cutOff() {
    this.#problem =
      "your answer reached its limit before the arguments were complete. Make the call again with less in it: a long file in several parts, for instance";
    return this;
  }

  toString() {
    return `Nothing was done: ${this.#problem}.`;
  }
}

/** How much of the text around a mistake the model is shown. */
const AROUND = 40;

function place(text, message) {
  const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? [];
  if (!line) return "";
  let start = 0;
  for (let number = 1; number < Number(line); number++) start = text.indexOf("\n", start) + 1;
  const at = start + Number(column) - 1;
  return `, near ${JSON.stringify(text.slice(Math.max(0, at - AROUND), at + AROUND).toWellFormed())}`;
}

/**
 * @param {string} text what was streamed; empty for a call without arguments
 * @param {unknown} given what came with the call itself: all of its arguments where nothing is streamed
 * @returns {object | UnusableArguments}
 */
export function readArguments(text, given) {
  let value = given ?? {};
  if (text.trim()) {
    try {
      value = JSON.parse(text);
    } catch (error) {
      const message = error.message.replace(/^JSON\.parse: /, "");
      return new UnusableArguments(`the arguments of this call are not valid JSON (${message}${place(text, message)}). Send it again, complete and with quotes and backslashes escaped`);
    }
  }
  if (value && typeof value === "object" && !Array.isArray(value)) return value;
  return new UnusableArguments(`the arguments of this call must be a JSON object, not ${cut(JSON.stringify(value), AROUND)}`);
}
