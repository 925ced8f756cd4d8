/** A tool call: what it is and how it stands in a line; below what it was called with and what came of it. */

import { useState } from "preact/hooks";
import type { JsonObject } from "../../../typescript/src/generated.ts";
import { type Line, diff } from "../diff.ts";
import type { Item } from "../fold.ts";
import { duration, own } from "../format.ts";
import { Icon } from "../icons.tsx";
import { Output, plain, visible } from "../visible.tsx";
import { Blocks } from "./blocks.tsx";

const STATES: Record<string, string> = {
  pending: "waits",
  in_progress: "runs",
  completed: "done",
  failed: "failed",
};

export function Tool({ item: { data, at, until } }: { item: Item }) {
  const status = String(data.status ?? "pending");
  const contents = list(data.content);
  const changes = contents.some(({ type }) => type === "diff");
  const [open, setOpen] = useState<boolean | undefined>(undefined);
  // What changes a file is open, and so is a failure, until somebody decides.
  const isOpen = open ?? (changes || status === "failed");
  const took = until - at;
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => currentTarget.open !== isOpen && setOpen(currentTarget.open)}>
      <summary>
        <Icon name={String(data.kind ?? "other")} />
        <span class="title">{visible(data.title ?? data.toolCallId)}</span>
        {status === "completed" && took >= 100 && <span class="soft">{duration(took)}</span>}
        <span class={`state ${own(STATES, status) ? status : ""}`}>{own(STATES, status) ?? visible(status)}</span>
      </summary>
      {isOpen && (
        <div class="inside">
          <Arguments given={data.rawInput} />
          <ToolContent contents={contents} />
          {contents.length === 0 && data.rawOutput !== undefined && <Output text={asText(data.rawOutput)} label="output" />}
          <Locations locations={list(data.locations)} />
        </div>
      )}
    </details>
  );
}

export function list(given: unknown): JsonObject[] {
  return Array.isArray(given) ? given.filter((each) => typeof each === "object" && each !== null) : [];
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** What the tool was called with; a single text needs no table. */
export function Arguments({ given }: { given: unknown }) {
  if (typeof given !== "object" || given === null) {
    return null;
  }
  const entries = Object.entries(given);
  return (
    <dl class="arguments">
      {entries.map(([name, value]) => (
        <>
          <dt>{visible(name)}</dt>
          <dd>
            <Output text={asText(value) ?? ""} label={plain(name)} />
          </dd>
        </>
      ))}
    </dl>
  );
}

export function ToolContent({ contents }: { contents: JsonObject[] }) {
  return (
    <>
      {contents.map((each) =>
        each.type === "diff" ? (
          <Diff path={String(each.path)} before={String(each.oldText ?? "")} after={String(each.newText ?? "")} />
        ) : each.type === "content" ? (
          <Blocks blocks={[each.content]} />
        ) : (
          <Output text={JSON.stringify(each, null, 2)} label={plain(each.type)} />
        ),
      )}
    </>
  );
}

function Locations({ locations }: { locations: JsonObject[] }) {
  return locations.length === 0 ? null : (
    <p class="locations">
      {locations.map(({ path, line }) => (
        <bdi>{visible(line === undefined || line === null ? path : `${path}:${line}`)}</bdi>
      ))}
    </p>
  );
}

const SIGNS: Record<Line["kind"], string> = { same: " ", add: "+", del: "−", gap: "⋯" };
/** Lines of a difference that are shown before somebody asks for more. */
const MAX_LINES = 400;

export function Diff({ path, before, after }: { path: string; before: string; after: string }) {
  const [shown, show] = useState(MAX_LINES);
  const lines = diff(before, after);
  const count = (kind: Line["kind"]): number => lines.filter((line) => line.kind === kind).length;
  return (
    <figure class="diff">
      <figcaption>
        <bdi>{visible(path)}</bdi> <span class="good">+{count("add")}</span> <span class="bad">−{count("del")}</span>
      </figcaption>
      <table aria-label={`changes of ${plain(path)}`}>
        <tbody>
          {lines.slice(0, shown).map((line) => (
            <tr class={line.kind}>
              <td class="number">{line.after ?? line.before}</td>
              <td class="sign">{SIGNS[line.kind]}</td>
              <td class="text">{visible(line.text)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > shown && (
        <button type="button" class="quiet" onClick={() => show(shown * 4)}>
          {(lines.length - shown).toLocaleString("en")} more lines
        </button>
      )}
    </figure>
  );
}
