/** Numbers, times and words as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const value = count / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}

/** 1,234 or 1.2 M. */
export function amount(value: number): string {
  return value < 100_000
    ? value.toLocaleString("en")
    : new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** `whole`: in seconds, as a clock that runs has them. */
export function duration(ms: number, whole = false): string {
  if (ms < 1_000 && !whole) {
    return `${Math.round(ms)} ms`;
  }
  const seconds = ms / 1_000;
  return seconds < 60 ? `${seconds.toFixed(whole ? 0 : 1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function money(cost: Record<string, number>): string {
  return Object.entries(cost)
    .map(([currency, value]) => `${value.toFixed(value < 0.1 ? 4 : 2)} ${currency}`)
    .join(", ");
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** The time for today, else the day. */
export function moment(at: number): string {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}

/** Input and output alone, of ACP's names for kinds of tokens. */
export function tokens(kinds: Record<string, number>): string {
  const total = kinds.totalTokens ?? Object.values(kinds).reduce((sum, each) => sum + each, 0);
  return `${amount(total)} tokens`;
}

export function count(value: number, word: string): string {
  return `${amount(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** What a table has for a word of an agent's, which may be the name of what every object has (`constructor`). */
export function own<T>(table: Record<string, T>, word: unknown): T | undefined {
  return Object.hasOwn(table, String(word)) ? table[String(word)] : undefined;
}
