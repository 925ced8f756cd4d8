// A check of a call's arguments before pi's core makes them fit: it turns whatever stands for a text into one, null into "null",
// which would then be all that a file holds.

import { cut } from "../text.mjs";

/** Characters of what is wrong that are shown with it. */
const MAX_SHOWN = 40;

/**
 * The arguments without the optional ones that are null. Throws Error if something else than text is where text is due.
 *
 * @param {object} schema of TypeBox
 */
export function checkTexts(schema, value, name = "the arguments") {
  if (schema.type === "string" && value !== undefined && typeof value !== "string") {
    throw new Error(`${name} must be text, not ${cut(JSON.stringify(value), MAX_SHOWN)}`);
  }
  if (schema.type === "array" && Array.isArray(value)) return value.map((item, index) => checkTexts(schema.items, item, `${name}.${index}`));
  if (schema.type !== "object" || !value || typeof value !== "object") return value;
  const required = new Set(schema.required);
  const given = Object.entries(value).filter(([key, member]) => member !== null || required.has(key));
  return Object.fromEntries(given.map(([key, member]) => [key, schema.properties[key] ? checkTexts(schema.properties[key], member, key) : member]));
}
