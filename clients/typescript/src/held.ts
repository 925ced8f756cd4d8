import type { JsonObject } from "./generated.js";

/** Notices held; events beyond it are read again instead. */
const MAX_HELD = 10_000;

export interface Notice {
  method: string;
  params: JsonObject;
}

/** What a connection hears of a VM while it reads what the sessions have beyond its positions. */
export class Held {
  #notices: Notice[] = [];
  #overflowed = false;

  push(notice: Notice): void {
    if (this.#notices.length >= MAX_HELD) {
      this.#notices = []; // the events among them are read again; the rest is lost, as to any subscriber that lags
      this.#overflowed = true;
    }
    this.#notices.push(notice);
  }

  /** Says whether notices were dropped since this was asked last: what the sessions have is to be read again. */
  takeOverflow(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  /** What was held, but for events up to these positions: they have been read. */
  news(positions: ReadonlyMap<string, number>): Notice[] {
    const isNews = ({ method, params }: Notice): boolean =>
      method !== "sessionEvent" || params.seq > (positions.get(params.sessionId) ?? -1);
    return this.#notices.filter(isNews);
  }
}
