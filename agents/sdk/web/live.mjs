// Whether the agent runs, or is still being built: until then there is no host to call.

let live = false;

export const isLive = () => live;

export function setLive() {
  live = true;
}
