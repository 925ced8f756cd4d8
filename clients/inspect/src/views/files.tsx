/** The files of a VM: a tree whose directories are read as they are opened, and the content of one file. */

import { useEffect, useState } from "preact/hooks";
import type { DirEntry } from "../../../typescript/src/generated.ts";
import { bytes, moment } from "../format.ts";
import { Icon } from "../icons.tsx";
import { go, route, vmText, type VmName } from "../route.ts";
import { daemon, reason, type Session, vm as shownVm } from "../state.ts";
import { Output, plain, visible } from "../visible.tsx";

/** Entries of one directory that are in the page. */
const MAX_ENTRIES = 1_000;
/** Bytes of a file that are read: what a person scrolls through. */
const MAX_BYTES = 256 * 1024;

export function Files({ vm, session }: { vm: VmName; session?: Session }) {
  const path = route.value.path;
  const [stamp, setStamp] = useState(0);
  const start = session?.details.value?.cwd ?? "/home/user";
  // Files change in turns: when there is news of one, or a daemon again, what is open is read again.
  const news = shownVm.value?.stats.value?.events;
  const isThere = daemon.state.value === "open";
  useEffect(() => setStamp((before) => before + 1), [news, isThere]);
  const open = (to: string): void =>
    go({ vm, view: "files", path: to, ...(session === undefined ? {} : { session: session.id }) });
  return (
    <div class={`files ${path === undefined ? "" : "has-file"}`}>
      <div class="tree" role="tree" aria-label="Files" onKeyDown={onArrow}>
        <Directory vm={vm} path="/" name={vmText(vm)} level={1} chosen={path ?? start} open={open} stamp={stamp} first />
      </div>
      <div class="content">
        {path === undefined ? (
          <p class="empty">Choose a file.</p>
        ) : (
          <Content key={path} vm={vm} path={path} stamp={stamp} reload={() => setStamp(stamp + 1)} />
        )}
      </div>
    </div>
  );
}

/** Up and down go from line to line, right opens, left closes or goes to the directory. */
function onArrow(event: KeyboardEvent): void {
  const tree = event.currentTarget as HTMLElement;
  const lines = [...tree.querySelectorAll<HTMLElement>("[role=treeitem] > button")];
  const at = lines.indexOf(document.activeElement as HTMLElement);
  const line = lines[at];
  const expanded = line?.parentElement?.getAttribute("aria-expanded");
  if (event.key === "ArrowDown") {
    lines[at + 1]?.focus();
  } else if (event.key === "ArrowUp") {
    lines[at - 1]?.focus();
  } else if (event.key === "ArrowRight" && expanded === "false") {
    line?.click();
  } else if (event.key === "ArrowLeft" && expanded === "true") {
    line?.click();
  } else if (event.key === "ArrowLeft") {
    line?.parentElement?.parentElement?.closest("[role=treeitem]")?.querySelector("button")?.focus();
  } else {
    return;
  }
  event.preventDefault();
}

interface Place {
  vm: VmName;
  path: string;
  name: string;
  level: number;
  /** The file that is shown, or where to begin. */
  chosen: string;
  open(path: string): void;
  stamp: number;
}

function Directory({ first = false, ...place }: Place & { first?: boolean }) {
  const { vm, path, name, level, chosen, stamp } = place;
  const [isOpen, setOpen] = useState(first || `${chosen}/`.startsWith(`${path}/`));
  const [entries, setEntries] = useState<DirEntry[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (isOpen) {
      daemon.call("readdirEntries", { vm, path, limit: MAX_ENTRIES }).then(
        (found) => {
          setProblem(undefined);
          setEntries(sorted(found));
        },
        (error) => setProblem(reason(error)),
      );
    }
  }, [isOpen, stamp]);
  return (
    <div role="treeitem" aria-expanded={isOpen} aria-level={level} aria-label={plain(name)}>
      <button type="button" class="line" style={{ paddingLeft: `${level * 14 - 6}px` }} onClick={() => setOpen(!isOpen)}>
        <Icon name="chevron" />
        <Icon name="folder" />
        <bdi>{visible(name)}</bdi>
      </button>
      {isOpen && (
        <div role="group">
          {problem && <p class="line soft">{visible(problem)}</p>}
          {entries?.map((entry) => (
            <Entry key={`${entry.type} ${entry.name}`} {...place} entry={entry} />
          ))}
          {entries?.length === 0 && (
            <p class="line soft" style={{ paddingLeft: `${level * 14 + 40}px` }}>
              empty
            </p>
          )}
          {entries && entries.length >= MAX_ENTRIES && <p class="line soft">The first {MAX_ENTRIES} are shown.</p>}
        </div>
      )}
    </div>
  );
}

function sorted(entries: DirEntry[]): DirEntry[] {
  const rank = ({ type }: DirEntry): number => (type === "directory" ? 0 : 1);
  return entries.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

function Entry({ entry, ...place }: Place & { entry: DirEntry }) {
  const path = `${place.path === "/" ? "" : place.path}/${entry.name}`;
  const level = place.level + 1;
  if (entry.type === "directory") {
    return <Directory {...place} path={path} name={entry.name} level={level} />;
  }
  return (
    <div role="treeitem" aria-level={level} aria-selected={path === place.chosen} aria-label={plain(entry.name)}>
      <button type="button" class="line" style={{ paddingLeft: `${level * 14 + 10}px` }} onClick={() => place.open(path)}>
        <Icon name={entry.type} />
        <bdi>{visible(entry.name)}</bdi>
        <span class="soft">{entry.type === "file" ? bytes(entry.size) : ""}</span>
      </button>
    </div>
  );
}

interface Read {
  text?: string;
  size: number;
  mtimeMs: number;
  mode: number;
  problem?: string | undefined;
}

function Content({ vm, path, stamp, reload }: { vm: VmName; path: string; stamp: number; reload(): void }) {
  const [found, setFound] = useState<Read>();
  useEffect(() => {
    read(vm, path).then(setFound, (error) => setFound({ size: 0, mtimeMs: 0, mode: 0, problem: reason(error) }));
  }, [stamp]);
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return (
    <>
      <header>
        <a class="back" href={location.hash.split("?")[0]}>
          Files
        </a>
        <h2>
          <bdi class="soft">{visible(folder)}</bdi>
          <bdi>{visible(path.slice(folder.length))}</bdi>
        </h2>
        {found && !found.problem && (
          <p class="facts">
            <span>{bytes(found.size)}</span>
            <span>{(found.mode & 0o7777).toString(8).padStart(4, "0")}</span>
            <time>{moment(found.mtimeMs)}</time>
            <button type="button" class="quiet" onClick={reload}>
              Read again
            </button>
          </p>
        )}
      </header>
      {found?.problem && <p class="empty">{visible(found.problem)}</p>}
      {found && !found.problem && found.text === undefined && <p class="empty">This is no text.</p>}
      {found?.text !== undefined && <Numbered text={found.text} path={path} />}
      {found && found.size > MAX_BYTES && <p class="soft note">The first {bytes(MAX_BYTES)} are shown.</p>}
    </>
  );
}

async function read(vm: VmName, path: string): Promise<Read> {
  const { size, mtimeMs, mode } = await daemon.call("stat", { vm, path });
  const { content } = await daemon.call("readFile", { vm, path, encoding: "base64", length: MAX_BYTES });
  return { size, mtimeMs, mode, ...decoded((content as unknown as { base64: string }).base64) };
}

/** The text, if it is one: where the file was cut, its last character may be, too. */
function decoded(base64: string): { text?: string } {
  const found = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const isCut = found.length === MAX_BYTES;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(found, { stream: isCut });
    return text.includes("\0") ? {} : { text };
  } catch {
    return {};
  }
}

function Numbered({ text, path }: { text: string; path: string }) {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return (
    <div class="numbered">
      <pre class="numbers" aria-hidden="true">
        {Array.from({ length: lines }, (_, at) => at + 1).join("\n")}
      </pre>
      <Output key={text.length} text={text} label={plain(path)} whole />
    </div>
  );
}
