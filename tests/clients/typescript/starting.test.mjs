// A program that finds no daemon has one started, by `torpor` on the PATH.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createClient } from "../../../clients/typescript/dist/index.js";

const directory = mkdtempSync(join(tmpdir(), "torpor-"));
const endpoint = join(directory, "s");
const path = process.env.PATH;
const python = process.env.TORPOR_TEST_PYTHON;
after(() => {
  spawnSync(python, ["-P", "-m", "runtime.cli", "stop", "--socket", endpoint]);
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  process.env.PATH = path;
  process.env.TORPOR_STATE = join(directory, "state.db");
});

/** Puts a program of this text before all others on the PATH. */
function writeTorpor(text) {
  writeFileSync(join(directory, "torpor"), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  process.env.PATH = `${directory}:${path}`;
}

test("where none can or shall be started, the error says how", async () => {
  const reasons = async (options = {}) => {
    const client = createClient({ endpoint, ...options });
    const error = await client.hello().catch((error) => error);
    assert.equal(error.code, "connect_failed");
    return error.message;
  };
  assert.match(await reasons({ autostart: false }), /there is no socket$/);
  process.env.PATH = "/nowhere";
  assert.match(await reasons(), /`torpor` is not on the PATH.*torpor serve/);
  writeTorpor("echo torpor: it does not want to >&2; exit 3");
  assert.match(await reasons(), /`torpor start` failed: it does not want to$/);
  writeTorpor("exit 3");
  assert.match(await reasons(), /`torpor start` failed: it ended with 3$/);
});

test("many clients at once have one daemon", async () => {
  writeTorpor(`exec ${python} -P -m runtime.cli "$@"`);
  const clients = [1, 2, 3].map(() => createClient({ endpoint }));
  const [first, ...others] = await Promise.all(clients.map((client) => client.status()));
  for (const { pid } of others) assert.equal(pid, first.pid);
  clients.forEach((client) => client.close());
});
