// modules NAME: runs the tests of a module; what fails is on stderr, and the exit code 1.

import "../../../agents/sdk/node/globals.mjs";
import { goLive } from "../../../agents/sdk/web/prelude.mjs";
import { runUntil } from "../../../agents/sdk/web/loop.mjs";
import * as data from "./data.mjs";
import * as files from "./files.mjs";
import * as network from "./network.mjs";
import * as programs from "./programs.mjs";
import * as streams from "./streams.mjs";
import * as system from "./system.mjs";
import * as texts from "./texts.mjs";

const TESTS = { ...data, ...files, ...network, ...programs, ...streams, ...system, ...texts };

export const run = {
  async run() {
    goLive();
    const [, , name, ...args] = process.argv;
    const test = async () => {
      if (!TESTS[name]) throw new Error(`there is no test ${name}`);
      await TESTS[name](...args);
      console.log(`${name}: ok`);
    };
    await runUntil(
      test().catch((error) => {
        console.error(`${error}\n${error.stack}`);
        process.exit(1);
      }),
    );
  },
};
