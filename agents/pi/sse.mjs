// Server-sent events (WHATWG HTML, "Server-sent events"): bytes in, data out. Each byte is looked at once, by the engine's own search:
// regular expressions are interpreted, and cost a guest more than all else here.

import { ModelError } from "./failure.mjs";

/** Of one event, in UTF-16 units: a model's whole output is a fraction of it, and a guest's memory holds it a few times. */
const MAX_EVENT = 16 * 1024 * 1024;

export class EventParser {
  #decoder = new TextDecoder();
  #line = ""; // the beginning of a line whose end has not come
  #afterReturn = false; // the last line ended with "\r": a "\n" that comes next belongs to it
  #data = []; // the data lines of the event that is not ended
  #size = 0; // of #data and #line together

  /** The data of the events that end in these bytes. Fields other than `data` are left out: the data says its type. */
  feed(bytes) {
    const text = this.#withLineFeeds(this.#decoder.decode(bytes, { stream: true }));
    const events = [];
    let from = 0;
    for (let end; (end = text.indexOf("\n", from)) >= 0; from = end + 1) {
      const line = this.#line + text.slice(from, end);
      this.#line = "";
      if (line) this.#field(line);
      else if (this.#data.length) events.push(this.#event());
    }
    this.#line += text.slice(from);
    this.#size += text.length - from;
    if (this.#size > MAX_EVENT) throw new ModelError(`the model's server sent an event of more than ${MAX_EVENT} characters`);
    return events;
  }

  #withLineFeeds(text) {
    const rest = this.#afterReturn && text[0] === "\n" ? text.slice(1) : text;
    if (text) this.#afterReturn = text.endsWith("\r");
    return rest.includes("\r") ? rest.replaceAll("\r\n", "\n").replaceAll("\r", "\n") : rest;
  }

  #field(line) {
    if (!line.startsWith("data") || (line.length > 4 && line[4] !== ":")) return;
    this.#size += line.length;
    this.#data.push(line.slice(line[5] === " " ? 6 : 5));
  }

  #event() {
    const data = this.#data.length === 1 ? this.#data[0] : this.#data.join("\n");
    this.#data = [];
    this.#size = 0;
    return data;
  }
}
