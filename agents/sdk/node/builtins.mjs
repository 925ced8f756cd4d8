// Node's modules by their names, for who asks for them when the program runs.

import assert from "node:assert";
import buffer from "node:buffer";
import child_process from "node:child_process";
import console from "node:console";
import crypto from "node:crypto";
import events from "node:events";
import fs from "node:fs";
import fs_promises from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import path_posix from "node:path/posix";
import perf_hooks from "node:perf_hooks";
import process from "node:process";
import querystring from "node:querystring";
import readline from "node:readline";
import readline_promises from "node:readline/promises";
import stream from "node:stream";
import stream_consumers from "node:stream/consumers";
import stream_promises from "node:stream/promises";
import stream_web from "node:stream/web";
import string_decoder from "node:string_decoder";
import timers from "node:timers";
import timers_promises from "node:timers/promises";
import tty from "node:tty";
import url from "node:url";
import util from "node:util";
import util_types from "node:util/types";
import zlib from "node:zlib";

export const builtins = {
  assert,
  buffer,
  child_process,
  console,
  crypto,
  events,
  fs,
  "fs/promises": fs_promises,
  http,
  https,
  net,
  os,
  path,
  "path/posix": path_posix,
  perf_hooks,
  process,
  querystring,
  readline,
  "readline/promises": readline_promises,
  stream,
  "stream/consumers": stream_consumers,
  "stream/promises": stream_promises,
  "stream/web": stream_web,
  string_decoder,
  timers,
  "timers/promises": timers_promises,
  tty,
  url,
  util,
  "util/types": util_types,
  zlib,
};

globalThis.process.getBuiltinModule = (name) => builtins[name.replace(/^node:/, "")];

/** What `import(name)` becomes where the name is not known when the agent is built. */
globalThis.importBuiltin = async (name) => {
  const found = globalThis.process.getBuiltinModule(String(name));
  if (found) return { ...found, default: found };
  throw Object.assign(new Error(`Cannot find module '${name}': only Node's own modules can be imported in a guest`), { code: "ERR_MODULE_NOT_FOUND" });
};
