// Text that is not whole. JavaScript's strings may hold half of a surrogate pair and JSON may carry one, but UTF-8 cannot, and
// readers of UTF-8 refuse what tries. The rule here: halves that belong together are joined, others become U+FFFD.

const isHigh = (unit) => unit >= 0xd800 && unit <= 0xdbff;

/** The first `length` UTF-16 units, one less where the cut would go through a character. */
export function cut(text, length) {
  if (text.length <= length) return text;
  return text.slice(0, isHigh(text.charCodeAt(length - 1)) ? length - 1 : length);
}

function whole(value) {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(whole);
  if (!value || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), whole(member)]));
}

/** JSON for others to read: for the client, for the model, for the journal. */
export function toJson(value) {
  const json = JSON.stringify(value);
  // A lone half is written as an escape. So may be what looks like one and is not: then this costs time, and changes nothing.
  return /\\ud[89a-f]/.test(json) ? JSON.stringify(whole(value)) : json;
}

/** A text that comes in pieces, of which one may end within a character. */
export class Joiner {
  #half = "";

  /** What is whole of all that has come and was not given before. */
  take(piece) {
    const text = this.#half + piece;
    const end = isHigh(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length;
    this.#half = text.slice(end);
    return text.slice(0, end).toWellFormed();
  }

  /** What is left when no more will come. */
  end() {
    const rest = this.#half.toWellFormed();
    this.#half = "";
    return rest;
  }
}
