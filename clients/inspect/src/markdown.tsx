/**
 * A part of Markdown that agents write, as elements; HTML in it is text. A link goes nowhere but to the web or to a mail
 * program, and tells where if its text does not.
 */

import type { ComponentChildren, VNode } from "preact";
import { plain, useBeginning, visible } from "./visible.tsx";

// Each takes time in proportion to its line, whatever an agent writes.
const FENCE = /^ {0,3}(`{3,}(?!`)(?!.*`)|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s(.*)/s;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)/s;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const CELLS = /^ {0,3}\|(.+)\|\s*$/;
const DELIMITER = /^ {0,3}\|(?:\s*:?-+:?\s*\|)+\s*$/;
/** Quotes and lists within each other: what a person reads; deeper ones are text. */
const MAX_DEPTH = 8;

/** Characters that are shown before somebody asks for more: all is laid out anew with each piece that comes. */
const MAX_TEXT = 200_000;

export function Markdown({ text }: { text: string }): VNode {
  const [shown, more] = useBeginning(text, MAX_TEXT);
  return (
    <div class="markdown">
      {blocks(shown.split("\n"), 0)}
      {more}
    </div>
  );
}

function blocks(lines: string[], depth: number): VNode[] {
  const found: VNode[] = [];
  let at = 0;
  const take = (pattern: RegExp): string[] => {
    const taken: string[] = [];
    for (let match; at < lines.length && (match = pattern.exec(lines[at]!)); at++) {
      taken.push(match[1]!);
    }
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at]!;
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    if (line.trim() === "") {
      at++;
    } else if (fence) {
      const code: string[] = [];
      for (at++; at < lines.length && !lines[at]!.trimStart().startsWith(fence[1]!); at++) {
        code.push(lines[at]!);
      }
      at++;
      found.push(
        <pre tabIndex={0}>
          <code>{visible(code.join("\n"))}</code>
        </pre>,
      );
    } else if (heading) {
      const Level = `h${Math.min(6, heading[1]!.length + 2)}` as "h3";
      found.push(<Level>{inline(heading[2]!.trim().replace(/(^|\s)#+$/, ""))}</Level>);
      at++;
    } else if (RULE.test(line)) {
      found.push(<hr />);
      at++;
    } else if (QUOTE.test(line) && depth < MAX_DEPTH) {
      found.push(<blockquote>{blocks(take(QUOTE), depth + 1)}</blockquote>);
    } else if (ITEM.test(line) && depth < MAX_DEPTH) {
      found.push(list());
    } else if (CELLS.test(line) && DELIMITER.test(lines[at + 1] ?? "")) {
      const [head, , ...rows] = take(/^([^|]*\|.*)/s);
      found.push(table(head!, rows));
    } else {
      const paragraph = [line];
      for (at++; at < lines.length && lines[at]!.trim() !== "" && !begins(lines[at]!); at++) {
        paragraph.push(lines[at]!);
      }
      found.push(<p>{inline(paragraph.join("\n"))}</p>);
    }
  }
  return found;

  function list(): VNode {
    const first = ITEM.exec(lines[at]!)!;
    const ordered = /\d/.test(first[2]!);
    const items: VNode[] = [];
    while (at < lines.length) {
      const match = ITEM.exec(lines[at]!);
      if (!match || match[1]!.length > first[1]!.length + 1 || /\d/.test(match[2]!) !== ordered) {
        break;
      }
      const inner = [match[3]!];
      const deeper = match[1]!.length + 2;
      for (at++; at < lines.length; at++) {
        const next = lines[at]!;
        const indent = next.length - next.trimStart().length;
        if (next.trim() !== "" && indent < deeper) {
          break;
        }
        if (next.trim() === "" && !(lines[at + 1] ?? "").startsWith("  ")) {
          break;
        }
        inner.push(next.slice(Math.min(indent, deeper)));
      }
      items.push(<li>{inner.length === 1 ? inline(inner[0]!) : blocks(inner, depth + 1)}</li>);
      while (at < lines.length && lines[at]!.trim() === "" && ITEM.test(lines[at + 1] ?? "")) {
        at++;
      }
    }
    return ordered ? <ol start={parseInt(first[2]!, 10)}>{items}</ol> : <ul>{items}</ul>;
  }
}

function begins(line: string): boolean {
  return [FENCE, HEADING, ITEM, RULE, QUOTE, CELLS].some((pattern) => pattern.test(line));
}

function table(head: string, rows: string[]): VNode {
  const cells = (row: string): string[] =>
    row
      .trim()
      .replace(/^\||\|$/g, "")
      .split("|")
      .map((cell) => cell.trim());
  return (
    <div class="wide" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {cells(head).map((cell) => (
              <th scope="col">{inline(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {cells(row).map((cell) => (
                <td>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Code, links, addresses, strong, emphasis, struck: the first that matches where it stands. Bounded, so that none looks far. */
const INLINE = new RegExp(
  [
    /(?<!`)(`+)(?<code>[^`]{1,2000})\1(?!`)/,
    /!?\[(?<label>[^\][\n]{1,500})\]\((?<target>[^()\s]{1,2000})\)/,
    /(?<address>https?:\/\/[^\s<>"')\]]{1,2000}[^\s<>"')\].,;:!?])/,
    /\*\*(?<strong>[^*\n]{1,1000})\*\*/,
    /(?<![\w*])[*_](?<emphasis>[^\s*_](?:[^*_\n]{0,998}[^\s*_])?)[*_](?![\w*])/,
    /~~(?<struck>[^~\n]{1,1000})~~/,
    /\\(?<escaped>[!-/:-@[-`{-~])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

function inline(text: string): ComponentChildren {
  const parts: ComponentChildren[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(visible(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const { code, label, target, address, strong, emphasis, struck, escaped } = match.groups!;
    if (code !== undefined) {
      parts.push(<code>{visible(code)}</code>);
    } else if (target !== undefined) {
      parts.push(link(label!, target) ?? visible(match[0]));
    } else if (address !== undefined) {
      parts.push(link(address, address) ?? visible(match[0]));
    } else if (strong !== undefined) {
      parts.push(<strong>{inline(strong)}</strong>);
    } else if (emphasis !== undefined) {
      parts.push(<em>{inline(emphasis)}</em>);
    } else if (struck !== undefined) {
      parts.push(<s>{inline(struck)}</s>);
    } else {
      parts.push(escaped);
    }
  }
  parts.push(visible(text.slice(end)));
  return parts;
}

function link(label: string, target: string): VNode | undefined {
  let url: URL;
  try {
    url = new URL(target);
  } catch {
    return undefined;
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) {
    return undefined;
  }
  const place = url.protocol === "mailto:" ? url.pathname : url.host;
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer nofollow" title={plain(url.href)}>
      {visible(label)}
      {!label.includes(place) && <small> ({visible(place)})</small>}
    </a>
  );
}
