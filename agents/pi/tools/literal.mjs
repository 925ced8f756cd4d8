// Values that a model has written as text where the value itself was due.

const STRING = /"(?:[^"\\]|\\.)*"|'((?:[^'\\]|\\.)*)'/gs;

/** JSON, or the same with strings in single quotes, as Python prints it. Throws SyntaxError for anything else. */
export function readLiteral(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const json = text.replace(STRING, (string, inner) => (inner === undefined ? string : requoted(inner)));
    if (json === text) throw error;
    return JSON.parse(json);
  }
}

function requoted(inner) {
  return `"${inner.replace(/\\.|"/gs, (part) => (part === '"' ? '\\"' : part === "\\'" ? "'" : part))}"`;
}
