// The table that console.table draws.

import { inspect } from "./util.mjs";

const VALUES = "Values";
const shown = (value) => inspect(value, { depth: value !== null && typeof value === "object" && Object.keys(value).length > 2 ? -1 : 0, breakLength: Infinity });
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e][\udc00-\udfff]/g;
const width = (text) => [...text].length + (text.match(WIDE)?.length ?? 0);

/** Rows of an object or a list, of these columns or all that they have; undefined of what has no rows. */
export function table(data, columns) {
  if (data === null || typeof data !== "object") return undefined;
  const entries = data instanceof Map ? [...data] : data instanceof Set ? [...data].map((value, index) => [index, value]) : Object.entries(data);
  const first = data instanceof Map || data instanceof Set ? "(iteration index)" : "(index)";
  const names = new Set(columns);
  const rows = [];
  let values = false;
  for (const [index, [key, value]] of entries.entries()) {
    const row = new Map([[first, data instanceof Map ? String(index) : String(key)]]);
    if (data instanceof Map) row.set("Key", shown(key));
    if (value !== null && typeof value === "object" && !(data instanceof Map)) {
      for (const name of Object.keys(value)) {
        if (!columns) names.add(name);
        if (names.has(name)) row.set(name, shown(value[name]));
      }
    } else {
      row.set(VALUES, shown(value));
      values = true;
    }
    rows.push(row);
  }
  const head = [first, ...(data instanceof Map ? ["Key"] : []), ...names, ...(values ? [VALUES] : [])];
  const widths = head.map((name) => Math.max(...[name, ...rows.map((row) => row.get(name) ?? "")].map(width)) + 2);
  const line = (cells) => `│${cells.map((cell, at) => ` ${cell}${" ".repeat(widths[at] - width(cell) - 1)}`).join("│")}│`;
  const rule = (left, middle, right) => left + widths.map((count) => "─".repeat(count)).join(middle) + right;
  return [rule("┌", "┬", "┐"), line(head), rule("├", "┼", "┤"), ...rows.map((row) => line(head.map((name) => row.get(name) ?? ""))), rule("└", "┴", "┘")].join("\n");
}
