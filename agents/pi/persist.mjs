// Conversations kept in the VM: one file a session, one JSON value a line, only ever appended to. A message is written
// when it is complete, so an agent that is killed in mid-turn loses no more than the message in progress.

import { appendText, makeDirectories, readText } from "../sdk/web/files.mjs";
import { mend, withdraw } from "./images.mjs";
import { toJson } from "./text.mjs";

const FOLDER = "/root/.torpor/pi";
const SAFE_ID = /^[\w-]{1,128}$/;

const pathOf = (id) => `${FOLDER}/${id}.jsonl`;

export class Journal {
  /** @param {object} [saved] what was kept of the session; without it nothing is written until there is something to remember */
  constructor(id, saved) {
    this.path = pathOf(id);
    this.pending = saved ? null : [];
    this.length = saved?.messages.length ?? 0; // messages
  }

  message(message) {
    this.append({ message });
    this.length++;
  }

  /** @param {number} length how many messages are left: those after them are as if they had not been */
  forget(length) {
    this.append({ length });
    this.length = length;
  }

  /** @param {object} settings model, thinking or title: what is given replaces what was */
  settings(settings) {
    this.append({ settings });
  }

  /** @param {number} first the images of all messages from this one on are not to be shown to the model again */
  withdrawImages(first) {
    this.append({ withdraw: first });
  }

  append(entry) {
    const line = toJson(entry) + "\n";
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
  // An agent was killed while it wrote: what is written next must not become part of that line.
  if (!text.endsWith("\n")) appendText(pathOf(id), "\n");
  const saved = { id, messages: [] };
  for (const line of text.split("\n")) {
    let entry;
    try {
      entry = JSON.parse(line);
    } catch {
      continue; // such a line
    }
    if (entry.message) saved.messages.push(entry.message);
    if (entry.withdraw !== undefined) withdraw(saved.messages.slice(entry.withdraw));
    if (entry.length !== undefined) saved.messages.length = entry.length;
    Object.assign(saved, entry.settings);
  }
  mend(saved.messages);
  return saved;
}
