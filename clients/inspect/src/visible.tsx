/** Text of others as it is: what would reorder it, hide in it or draw over it is shown by its number. */

import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";

/**
 * Controls but for tab and line ends; marks and overrides of direction; what has no width; separators of lines that are
 * none; tags. The joiners stay: words and emoji are written with them.
 */
const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

function number(character: string): string {
  return `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Returns text for an attribute, a title, an option. */
export function plain(text: unknown): string {
  return String(text ?? "").replace(HIDDEN, (found) => `[${number(found)}]`);
}

/** Returns text for an element. */
export function visible(text: unknown): ComponentChildren {
  const given = String(text ?? "");
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const match of given.matchAll(HIDDEN)) {
    parts.push(given.slice(end, match.index), <span class="control">{number(match[0])}</span>);
    end = match.index + match[0].length;
  }
  if (end === 0) {
    return given;
  }
  parts.push(given.slice(end));
  return parts;
}

/** Characters of one text that are shown before somebody asks for more: what a person scrolls through. */
const MAX_TEXT = 20_000;

/** Returns the beginning of a text, and the button that shows more of it. */
export function useBeginning(text: string, most: number): [string, VNode | false] {
  const [shown, show] = useState(most);
  const rest = text.length - shown;
  return [
    rest > 0 ? text.slice(0, shown) : text,
    rest > 0 && (
      <button type="button" class="quiet" onClick={() => show(shown * 4)}>
        {rest.toLocaleString("en")} more characters
      </button>
    ),
  ];
}

/** A text with its line ends and spaces, as output and files have it; `whole` is one whose length somebody else bounds. */
export function Output({ text, label, whole = false }: { text: string; label: string; whole?: boolean }) {
  const [shown, more] = useBeginning(text, whole ? text.length : MAX_TEXT);
  return (
    <div class="output">
      <pre tabIndex={0} aria-label={label}>
        {visible(shown)}
      </pre>
      {more}
    </div>
  );
}
