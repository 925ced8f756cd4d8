// node:stream/promises

import { promises } from "./stream.mjs";

export const { pipeline, finished } = promises;
export default { pipeline, finished };
