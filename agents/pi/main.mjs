// pi as a WASI component. Everything below is set up while the component is built; `run` only connects it.

import "../sdk/node/globals.mjs";
import { Console } from "../sdk/node/console.mjs";
import { goLive } from "../sdk/web/prelude.mjs";
import { runUntil } from "../sdk/web/loop.mjs";
import { log, stdinStream, stdoutWriter } from "../sdk/web/stdio.mjs";
import { createApp } from "./agent.mjs";
import { messageStream } from "./messages.mjs";
import { rehearse } from "./rehearsal.mjs";

// Its promises are run to their end before the image is made; what had to wait for a host never would be.
let rehearsal = "it did not end";
rehearse().then(
  () => (rehearsal = "done"),
  (error) => (rehearsal = error.stack ?? error.message),
);
const app = createApp();

export const run = {
  async run() {
    goLive();
    process.env.HOME ??= "/home/user";
    globalThis.console = new Console(process.stderr); // stdout is the client's
    if (rehearsal !== "done") log(`pi was built without its rehearsal and is slow to start: ${rehearsal}`);
    const connection = app.connect(messageStream(stdoutWriter(), stdinStream()));
    await runUntil(connection.closed);
  },
};
