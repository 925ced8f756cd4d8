// What /usr/lib/node/unicode.js is made of: which characters have one of Unicode's properties.

import matchProperty from "unicode-match-property-ecmascript";
import matchValue from "unicode-match-property-value-ecmascript";
import data from "torpor:unicode";

const LAST = 0x10ffff;

/** The first and last characters of a property's ranges; undefined of one that there is not. */
function rangesOf(expression) {
  const [first, second] = expression.split("=");
  let key;
  try {
    if (second !== undefined) key = `${matchProperty(first)}/${matchValue(matchProperty(first), second)}`;
    else if (first === "Any" || first === "Assigned" || first === "ASCII") key = `Binary_Property/${first}`;
    else {
      try {
        key = `General_Category/${matchValue("General_Category", first)}`;
      } catch {
        key = `Binary_Property/${matchProperty(first)}`;
      }
    }
  } catch {
    return undefined;
  }
  if (!data[key]) return undefined;
  const edges = [];
  let last = 0;
  for (const distance of data[key].split(" ")) edges.push((last += parseInt(distance, 36)));
  return Array.from({ length: edges.length / 2 }, (_, at) => [edges[2 * at], edges[2 * at + 1] - 1]);
}

function inverse(ranges) {
  const found = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) found.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST) found.push([next, LAST]);
  return found;
}

const written = (character) => `\\u{${character.toString(16)}}`;

/** The inside of a class of the characters that have a property, or have it not; undefined where there is none of that name. */
export function charactersOf(expression, negated) {
  if (expression === "RGI_Emoji" && !negated) return `\\q{${data.emoji}}`;
  const ranges = rangesOf(expression);
  if (!ranges) return undefined;
  return (negated ? inverse(ranges) : ranges).map(([first, last]) => (first === last ? written(first) : `${written(first)}-${written(last)}`)).join("");
}
