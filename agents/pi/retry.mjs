// Trying again when the model's API is overloaded or out of reach for a moment, unless the turn is cancelled meanwhile.

const MAX_RETRIES = 3;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;
/** A server that asks for more patience than this is reported, not waited for. */
const LONGEST_REQUESTED_MS = 60_000;

const TRANSIENT_STATUSES = new Set([408, 409, 429, 500, 502, 503, 504, 529]);
const TRANSIENT_FAILURES = new Set([
  "connection-limit-reached",
  "connection-read-timeout",
  "connection-refused",
  "connection-terminated",
  "connection-timeout",
  "destination-unavailable",
  "DNS-timeout",
]);

/** Milliseconds until the next attempt; Infinity if there should be none. */
function delayBefore(attempt, headers) {
  const backoff = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt) * (1 - Math.random() / 4);
  const requested = Number(headers?.get("retry-after-ms") ?? NaN) || Number(headers?.get("retry-after") ?? NaN) * 1000;
  if (!requested) return backoff;
  return requested <= LONGEST_REQUESTED_MS ? requested : Infinity;
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** A fetch that tries again where that may help. */
export function retrying(fetch) {
  return async (url, options = {}) => {
    for (let attempt = 0; ; attempt++) {
      let response;
      let delay;
      try {
        response = await fetch(url, options);
        if (attempt === MAX_RETRIES || !TRANSIENT_STATUSES.has(response.status)) return response;
        delay = delayBefore(attempt, response.headers);
        if (delay === Infinity) return response;
        await response.body?.cancel();
      } catch (error) {
        if (attempt === MAX_RETRIES || !TRANSIENT_FAILURES.has(error.code)) throw error;
        delay = delayBefore(attempt);
      }
      await pause(delay, options.signal);
    }
  };
}
