// A daemon of a test's own, and a relay in front of it that can go away while the daemon stays.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Daemon {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "torpor-"));
    this.socket = join(this.directory, "s");
    this.tokenFile = join(this.directory, "state", "http-token");
  }

  /** Starts it, with these further arguments of `serve`; `url` is where it serves HTTP, if it does. */
  async start(...further) {
    const state = join(this.directory, "state", "state.db");
    const words = ["-m", "runtime.cli", "serve", "--socket", this.socket, "--state", state, ...further];
    this.process = spawn(process.env.TORPOR_TEST_PYTHON, words, { stdio: ["ignore", "ignore", "pipe"] });
    this.ended = once(this.process, "exit");
    const orphan = this.process;
    process.once("exit", () => orphan.kill("SIGKILL")); // a test that fails must not leave it behind
    let log = "";
    await new Promise((resolve, reject) => {
      createInterface({ input: this.process.stderr }).on("line", (line) => {
        log += `${line}\n`;
        if (!line.startsWith("torpor: ready on")) return;
        this.url = /http:\/\/\S+/.exec(line)?.[0];
        resolve();
      });
      this.process.once("exit", () => reject(new Error(`the daemon ended:\n${log}`)));
    });
    return this;
  }

  async kill(signal = "SIGKILL") {
    this.process.kill(signal);
    await this.ended;
  }

  async remove() {
    await this.kill();
    rmSync(this.directory, { recursive: true });
  }
}

/** Passes a Unix socket on to another one. */
export class Relay {
  constructor(path, target) {
    this.path = path;
    this.target = target;
    this.pairs = new Set();
  }

  async open() {
    this.server = createServer((near) => {
      const far = createConnection(this.target);
      const pair = [near, far];
      this.pairs.add(pair);
      near.pipe(far);
      far.pipe(near);
      for (const socket of pair) {
        socket.on("error", () => {});
        socket.on("close", () => {
          this.pairs.delete(pair);
          pair.forEach((each) => each.destroy());
        });
      }
    });
    this.server.listen(this.path);
    await once(this.server, "listening");
    return this;
  }

  /** Has the clients read a line that the daemon did not send. */
  inject(message) {
    for (const [near] of this.pairs) near.write(`${JSON.stringify(message)}\n`);
  }

  async close() {
    const closed = once(this.server, "close");
    this.server.close();
    for (const pair of this.pairs) pair.forEach((socket) => socket.destroy());
    await closed;
  }
}

/** Resolves when `emitter` has emitted `name` with something that fits. */
export function heard(emitter, name, fits = () => true) {
  return new Promise((resolve) => {
    const listener = (value) => {
      if (fits(value)) {
        emitter.off(name, listener);
        resolve(value);
      }
    };
    emitter.on(name, listener);
  });
}

export function kind(event) {
  return event.method === "session/update" ? event.params.update.sessionUpdate : event.method;
}
