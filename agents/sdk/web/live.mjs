// Whether the agent runs, or is still being built: until then there is no host to call.

let live = false;
const starts = [];

export const isLive = () => live;

/** Calls a function as soon as the agent runs. */
export const onLive = (start) => void starts.push(start);

export function setLive() {
  live = true;
  for (const start of starts) start();
}
