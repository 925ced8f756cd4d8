// pi as a WASI component. Everything below is set up while the component is built; `run` only connects it.

import { goLive } from "../sdk/web/prelude.mjs";
import { ndJsonStream } from "@agentclientprotocol/sdk";
import { runUntil } from "../sdk/web/loop.mjs";
import { stdinStream, stdoutStream } from "../sdk/web/stdio.mjs";
import { createApp } from "./agent.mjs";

const app = createApp();

export const run = {
  async run() {
    goLive();
    const connection = app.connect(ndJsonStream(stdoutStream(), stdinStream()));
    await runUntil(connection.closed);
  },
};
