import { clearInterval, setInterval } from "node:timers";

/** Milliseconds: the longest that Node's timers take. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Keeps the process while the program has something under way. No socket and no other timer of the client does so: a program
 * ends when it is done, whether or not it closes its client.
 */
export class Hold {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Keeps the process until the returned function is called. */
  take(): () => void {
    if (this.#count++ === 0) {
      this.#timer = setInterval(() => {}, LONGEST_MS);
    }
    let taken = true;
    return () => {
      if (taken && --this.#count === 0) {
        clearInterval(this.#timer);
      }
      taken = false;
    };
  }
}
