/** `for await` over the events of a session. */

import type { Connection } from "./connection.js";
import type { TorporError } from "./errors.js";
import type { SessionEventNotice } from "./events.js";
import type { Hold } from "./hold.js";

/** Events that wait for the program: some 10 MB. What comes beyond is read from the daemon again. */
const MAX_QUEUED = 10_000;

/**
 * Yields the events that follow `after`, by connections that `open` makes. A program that is slower than the agent does not
 * make the queue grow: the connection is closed, and the next one begins where the program is. Waiting keeps the process.
 */
export async function* iterateEvents(
  open: (after: number) => Connection,
  hold: Hold,
  after: number,
): AsyncGenerator<SessionEventNotice, void, undefined> {
  for (let overflowed = true; overflowed; ) {
    overflowed = false;
    const queue: SessionEventNotice[] = [];
    let wake = (): void => {};
    let closed: { reason: TorporError | undefined } | undefined;
    const conn = open(after).unref();
    conn.on("sessionEvent", (notice) => {
      if (queue.length < MAX_QUEUED) {
        queue.push(notice);
        wake();
      } else {
        overflowed = true;
        conn.close();
      }
    });
    conn.on("close", (reason) => {
      closed = { reason };
      wake();
    });
    try {
      for (let taken = 0; ; ) {
        if (taken < queue.length) {
          const notice = queue[taken++]!;
          after = notice.seq;
          yield notice;
        } else if (closed !== undefined) {
          break;
        } else {
          queue.length = taken = 0;
          const release = hold.take();
          await new Promise<void>((resolve) => (wake = resolve)).finally(release);
        }
      }
    } finally {
      conn.close();
    }
    const reason = (closed as { reason: TorporError | undefined } | undefined)?.reason;
    if (reason !== undefined) {
      throw reason;
    }
  }
}
