// pi's file of a session, as a client of ACP needs it: kept from the first message on, and of what was taken out it says so.

import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { mend, withdraw } from "./images.mjs";
import { SessionManager } from "./pi.mjs";
import { toJson } from "./text.mjs";

const FOLDER = "/root/.torpor/pi";
/** Entries of ours in the file: the images of these entries are not to be shown to the model again. */
const WITHDRAWN = "torpor.withdrawn";
/** Where the conversation goes on from here: what came before it on another branch was refused. */
const REFUSED = "torpor.refused";

function fileOf(id) {
  let names = [];
  try {
    names = readdirSync(FOLDER);
  } catch {
    return undefined; // there has been no session yet
  }
  const name = names.find((one) => one.endsWith(`_${id}.jsonl`));
  return name && join(FOLDER, name);
}

/** An agent was killed while it wrote: what is written next must not become part of that line. */
function endLastLine(file) {
  if (!readFileSync(file, "utf8").endsWith("\n")) appendFileSync(file, "\n");
}

const SAFE_ID = /^[\w-]{1,128}$/;

/** What a pi before this one has kept of a session, {messages, model, title}, or undefined: one file a session, one value a line. */
function olderOf(file) {
  if (!existsSync(file)) return undefined;
  const kept = { messages: [] };
  for (const line of readFileSync(file, "utf8").split("\n")) {
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      continue; // it was killed while it wrote
    }
    if (entry.message) kept.messages.push(entry.message);
    if (entry.withdraw !== undefined) withdraw(kept.messages.slice(entry.withdraw));
    if (entry.length !== undefined) kept.messages.length = entry.length;
    Object.assign(kept, entry.settings);
  }
  return kept;
}

export class Journal extends SessionManager {
  /** The journal of a new session. */
  static begin(cwd) {
    return new Journal(cwd, FOLDER, undefined, true);
  }

  /** That of a session which there was, or undefined. */
  static find(id, cwd) {
    if (!SAFE_ID.test(id)) return undefined;
    const file = fileOf(id);
    if (!file) return Journal.fromOlder(id, cwd);
    endLastLine(file);
    const journal = new Journal(cwd, FOLDER, file, true);
    if (journal.getSessionId() !== id) return undefined; // it was killed before it had written which session this is
    journal.isKept = true;
    for (const { type, customType, data } of journal.getEntries()) {
      if (type === "custom" && customType === WITHDRAWN) withdraw(data.ids.flatMap((id) => journal.getEntry(id)?.message ?? []));
    }
    mend(journal.messages());
    return journal;
  }

  /** That of a session which an older pi has kept, in the new form from here on; undefined if there is none. */
  static fromOlder(id, cwd) {
    const older = join(FOLDER, `${id}.jsonl`);
    const kept = olderOf(older);
    if (!kept) return undefined;
    const journal = Journal.begin(cwd);
    const file = journal.newSession({ id });
    // Under another name until it is whole: after a kill the older file is the one that counts.
    journal.sessionFile = `${file}.unfinished`;
    mend(kept.messages);
    for (const message of kept.messages) journal.appendMessage(message);
    if (kept.model) journal.appendModelChange("anthropic", kept.model);
    if (kept.thinking) journal.appendThinkingLevelChange(kept.thinking);
    if (kept.title) journal.appendSessionInfo(kept.title);
    if (kept.messages.length) {
      renameSync(journal.sessionFile, file);
      unlinkSync(older);
    }
    journal.sessionFile = file;
    return journal;
  }

  messages() {
    return this.getEntries().flatMap(({ message }) => message ?? []);
  }

  /** pi waits for an answer; what was asked is lost to a kill meanwhile, and the session with it. */
  _persist(entry) {
    if (!this.isKept && entry.type !== "message") return;
    const entries = this.isKept ? [entry] : this.fileEntries;
    if (!this.isKept) mkdirSync(FOLDER, { recursive: true });
    this.isKept = true;
    appendFileSync(this.sessionFile, entries.map((each) => `${toJson(each)}\n`).join(""));
  }

  /** Has the images of these messages go, for good. */
  withdrawImages(messages) {
    withdraw(messages);
    const ids = this.getEntries().filter(({ message }) => message && messages.includes(message)).map(({ id }) => id);
    if (ids.length) this.appendCustomEntry(WITHDRAWN, { ids });
  }

  /** Goes on from an entry, or from the beginning, as if what came after it had not been. */
  goBack(leaf) {
    if (leaf) this.branch(leaf);
    else this.resetLeaf();
    this.appendCustomEntry(REFUSED);
  }
}
