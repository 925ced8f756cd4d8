// When to try again, and the wait before it, which a cancel of the turn ends.

const MAX_RETRIES = 3;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;
/** A server that asks for more patience than this is reported, not waited for. */
const LONGEST_REQUESTED_MS = 60_000;

/** What a server asks for: milliseconds, or NaN. retry-after is a number of seconds or a date (RFC 9110, 10.2.3). */
function requestedDelay(headers) {
  const ms = parseFloat(headers?.get("retry-after-ms"));
  if (ms >= 0) return ms;
  const after = headers?.get("retry-after") ?? "";
  if (/^\s*\d+(\.\d+)?\s*$/.test(after)) return Number(after) * 1000;
  return Math.max(0, Date.parse(after) - Date.now());
}

/** Milliseconds until the next attempt, the first being 0; undefined if there should be none. */
export function delayBefore(attempt, { transient, headers }) {
  if (!transient || attempt >= MAX_RETRIES) return undefined;
  const requested = requestedDelay(headers);
  if (requested > LONGEST_REQUESTED_MS) return undefined;
  if (requested >= 0) return requested;
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (1 - Math.random() / 4);
}

/** Waits. Rejects with the signal's reason as soon as it is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
  });
}
