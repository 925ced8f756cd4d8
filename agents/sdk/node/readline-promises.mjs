// node:readline/promises

import { promises } from "./readline.mjs";

export const { Interface, createInterface } = promises;
export default promises;
