// Conversations kept in the VM: one file a session, one JSON value a line, only ever appended to. A message is written
// when it is complete, so an agent that is killed in mid-turn loses no more than the message in progress.

import { appendText, makeDirectories, readText } from "../sdk/web/files.mjs";

const FOLDER = "/root/.torpor/pi";
const SAFE_ID = /^[\w-]{1,128}$/;

const pathOf = (id) => `${FOLDER}/${id}.jsonl`;

export class Journal {
  /** @param {boolean} fresh nothing is written until there is something to remember */
  constructor(id, fresh) {
    this.path = pathOf(id);
    this.pending = fresh ? [] : null;
  }

  message(message) {
    this.append({ message });
  }

  /** @param {object} settings model, thinking or title: what is given replaces what was */
  settings(settings) {
    this.append({ settings });
  }

  append(entry) {
    const line = JSON.stringify(entry) + "\n";
    if (!this.pending) {
      appendText(this.path, line);
      return;
    }
    this.pending.push(line);
    if (!entry.message) return;
    makeDirectories(FOLDER);
    appendText(this.path, this.pending.join(""));
    this.pending = null;
  }
}

/** What was kept of a session: {id, model, thinking, title, messages}, or undefined. */
export function load(id) {
  if (!SAFE_ID.test(id)) return undefined;
  let text;
  try {
    text = readText(pathOf(id));
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
  const saved = { id, messages: [] };
  for (const line of text.split("\n")) {
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      continue; // the last line of an agent that was killed while it wrote
    }
    if (entry.message) saved.messages.push(entry.message);
    Object.assign(saved, entry.settings);
  }
  return saved;
}
