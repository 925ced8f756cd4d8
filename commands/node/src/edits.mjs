// Edits of a module's text, by their places in it.

/** What comes after a module whose default export has no name of its own: it has the one that the language gives it. */
export const NAMED =
  '; if (typeof $$default === "function" && $$default.name === "$$default") Object.defineProperty($$default, "name", { value: "default", configurable: true });';

export class Edits {
  #edits = [];

  put(start, end, text) {
    this.#edits.push([start, end, text]);
  }

  /** Takes a part out, but for the ends of its lines. */
  blank(source, start, end) {
    this.put(start, end, source.slice(start, end).replace(/[^\n\r\u2028\u2029]/g, " "));
  }

  /** Of several at one place those come first that were put first. */
  apply(source) {
    let out = "";
    let copied = 0;
    for (const [start, end, text] of this.#edits.sort(([a], [b]) => a - b)) {
      out += source.slice(copied, start) + text;
      copied = end;
    }
    return out + source.slice(copied);
  }
}
