// Hashes of much data: the engine interprets, and takes seconds for a megabyte, so the VM's own programs do it where they are.

import { isLive } from "../web/live.mjs";
import { Buffer } from "./buffer.mjs";
import { spawnSync } from "./child-sync.mjs";

const PROGRAMS = new Set(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]);
/** Bytes that are hashed here in less time than a program takes to start. */
const FEW = 4096;

/** The hash of some bytes by the VM's program for it; undefined where there is none. */
function byProgram(name, bytes) {
  const { status, stdout } = spawnSync(`/usr/bin/${name}sum`, [], { input: bytes, env: {} });
  return status === 0 ? Buffer.from(stdout.toString().split(" ", 1)[0], "hex") : undefined;
}

/** What is updated step by step, as those of @noble/hashes. It holds all data: what is more than memory has would take hours otherwise. */
class LargeHash {
  #name;
  #state;
  #parts;

  constructor(name, state, parts = []) {
    this.#name = name;
    this.#state = state;
    this.#parts = parts;
  }
  update(bytes) {
    this.#parts.push(bytes.slice());
    return this;
  }
  digest() {
    const bytes = Buffer.concat(this.#parts);
    return (bytes.length > FEW && byProgram(this.#name, bytes)) || this.#state.update(bytes).digest();
  }
  clone() {
    return new LargeHash(this.#name, this.#state.clone(), [...this.#parts]);
  }
}

/** The hash of that name, which begins with that state. */
export const largeHash = (name, state) => (isLive() && PROGRAMS.has(name) ? new LargeHash(name, state) : state);
