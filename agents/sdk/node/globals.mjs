// Node's globals. To be imported before anything else of an agent that is built with "node": true.

import "../web/prelude.mjs";
import "./globals-engine.mjs";
import process from "./process.mjs";
import { Buffer } from "./buffer.mjs";
import { Console } from "./console.mjs";
import * as timers from "./timers.mjs";
import "./builtins.mjs";

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

define("process", process);
define("Buffer", Buffer);
define("console", new Console(process.stdout, process.stderr));
for (const name of ["setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"]) define(name, timers[name]);
