// Node's builtin modules by their names.

import assertStrict from "node:assert/strict";
import asyncHooks from "node:async_hooks";
import cluster from "node:cluster";
import constants from "node:constants";
import dgram from "node:dgram";
import diagnosticsChannel from "node:diagnostics_channel";
import dns from "node:dns";
import dnsPromises from "node:dns/promises";
import http2 from "node:http2";
import inspector from "node:inspector";
import pathWin32 from "node:path/win32";
import punycode from "node:punycode";
import repl from "node:repl";
import tls from "node:tls";
import v8 from "node:v8";
import workerThreads from "node:worker_threads";
import { builtins } from "../../../agents/sdk/node/builtins.mjs";

Object.assign(builtins, {
  "assert/strict": assertStrict,
  async_hooks: asyncHooks,
  cluster,
  constants,
  dgram,
  diagnostics_channel: diagnosticsChannel,
  dns,
  "dns/promises": dnsPromises,
  http2,
  inspector,
  "path/win32": pathWin32,
  punycode,
  repl,
  sys: builtins.util,
  tls,
  v8,
  worker_threads: workerThreads,
});

const bare = (name) => name.replace(/^node:/, "");

/** Whether a builtin goes by this name, with `node:` or without. */
export const isBuiltin = (name) => Object.hasOwn(builtins, bare(name));

export const builtin = (name) => builtins[bare(name)];

/** Adds one of which this program is a part. */
export const addBuiltin = (name, module) => void (builtins[name] = module);

/** Adds one that is made when it is first asked for, and that no list of Node's modules has. */
export function addOwnBuiltin(name, make) {
  let made;
  Object.defineProperty(builtins, name, { get: () => (made ??= make()) });
}

export const builtinNames = () => Object.keys(builtins).sort();
