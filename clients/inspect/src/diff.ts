/** The difference of two texts by lines: the shortest, by Myers' method, unless that would take long. */

export interface Line {
  kind: "same" | "add" | "del" | "gap";
  text: string;
  /** Line numbers in the text before and after. */
  before?: number;
  after?: number;
}

/** Lines around a change. */
const CONTEXT = 3;
/** Changed lines beyond which the one text simply stands below the other: the method takes their square in time and memory. */
const MAX_EDITS = 1_500;

/** Returns the lines of both, with unchanged ones around changes alone. */
export function diff(before: string, after: string): Line[] {
  const a = lines(before);
  const b = lines(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    start++;
  }
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) {
    end++;
  }
  const kinds: Line["kind"][] = [
    ...Array<Line["kind"]>(start).fill("same"),
    ...edits(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...Array<Line["kind"]>(end).fill("same"),
  ];
  let i = 0;
  let j = 0;
  const all = kinds.map((kind): Line => {
    if (kind === "del") {
      return { kind, text: a[i]!, before: ++i };
    }
    return kind === "add" ? { kind, text: b[j]!, after: ++j } : { kind, text: b[j]!, before: ++i, after: ++j };
  });
  return around(all);
}

function lines(text: string): string[] {
  const found = text.split("\n");
  if (found.at(-1) === "") {
    found.pop();
  }
  return found;
}

function around(all: Line[]): Line[] {
  const near = new Uint8Array(all.length);
  all.forEach(({ kind }, at) => {
    if (kind !== "same") {
      near.fill(1, Math.max(0, at - CONTEXT), at + CONTEXT + 1);
    }
  });
  const kept: Line[] = [];
  all.forEach((line, at) => {
    if (near[at]) {
      kept.push(line);
    } else if (kept.at(-1)?.kind !== "gap") {
      kept.push({ kind: "gap", text: "" });
    }
  });
  return kept;
}

/** Returns which lines are taken, in order. */
function edits(a: string[], b: string[]): Line["kind"][] {
  const size = Math.min(a.length + b.length, MAX_EDITS);
  let furthest = new Int32Array(2 * size + 3);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= size; d++) {
    trace.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[size + k]! < furthest[size + k + 2]!);
      let x = down ? furthest[size + k + 2]! : furthest[size + k]! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) {
        x++;
      }
      furthest[size + k + 1] = x;
      if (x >= a.length && x - k >= b.length) {
        return back(a.length, b.length, trace, size);
      }
    }
  }
  return [...a.map(() => "del" as const), ...b.map(() => "add" as const)];
}

function back(x: number, y: number, trace: Int32Array[], size: number): Line["kind"][] {
  const found: Line["kind"][] = [];
  for (let d = trace.length - 1; x > 0 || y > 0; d--) {
    const furthest = trace[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && furthest[size + k]! < furthest[size + k + 2]!);
    const from = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : furthest[size + from + 1]!;
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      found.push("same");
      x--;
      y--;
    }
    if (d > 0) {
      found.push(down ? "add" : "del");
    }
    x = fromX;
    y = fromY;
  }
  return found.reverse();
}
