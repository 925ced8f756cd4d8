// node:timers/promises

import { promises } from "./timers.mjs";

export const { setTimeout, setImmediate, setInterval, scheduler } = promises;
export default promises;
