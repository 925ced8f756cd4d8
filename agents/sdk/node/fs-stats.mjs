// node:fs: what is told of files.

import { constants } from "./fs-constants.mjs";

const TYPES = {
  "regular-file": constants.S_IFREG | 0o644,
  directory: constants.S_IFDIR | 0o755,
  "symbolic-link": constants.S_IFLNK | 0o777,
  "character-device": constants.S_IFCHR | 0o666,
  "block-device": constants.S_IFBLK | 0o666,
  fifo: constants.S_IFIFO | 0o600,
  socket: constants.S_IFSOCK | 0o600,
};
const NS = 1_000_000_000n;
const nanoseconds = (time) => (time ? time.seconds * NS + BigInt(time.nanoseconds) : 0n);

class Typed {
  #type;

  constructor(type) {
    this.#type = type;
  }
  isFile() {
    return this.#type === "regular-file";
  }
  isDirectory() {
    return this.#type === "directory";
  }
  isSymbolicLink() {
    return this.#type === "symbolic-link";
  }
  isFIFO() {
    return this.#type === "fifo";
  }
  isSocket() {
    return this.#type === "socket";
  }
  isBlockDevice() {
    return this.#type === "block-device";
  }
  isCharacterDevice() {
    return this.#type === "character-device";
  }
}

/** Permission bits are the usual ones: WASI does not tell them. */
export class Stats extends Typed {
  constructor({ type, size, linkCount, dataAccessTimestamp, dataModificationTimestamp, statusChangeTimestamp }, inode, { bigint = false } = {}) {
    super(type);
    const number = bigint ? BigInt : Number;
    const times = { atime: dataAccessTimestamp, mtime: dataModificationTimestamp, ctime: statusChangeTimestamp, birthtime: statusChangeTimestamp };
    Object.assign(this, {
      dev: number(1), ino: number(inode), mode: number(TYPES[type] ?? TYPES["regular-file"]), nlink: number(linkCount), uid: number(1000), gid: number(1000),
      rdev: number(0), size: number(size), blksize: number(4096), blocks: number((size + 511n) / 512n),
    });
    for (const [name, time] of Object.entries(times)) {
      const ns = nanoseconds(time);
      this[`${name}Ms`] = bigint ? ns / 1_000_000n : Number(ns) / 1e6;
      if (bigint) this[`${name}Ns`] = ns;
      this[name] = new Date(Number(ns / 1_000_000n));
    }
  }
}

/** Of what the component has in itself. */
export const packedStats = ({ text, names }, options) => {
  const size = BigInt(names ? 0 : new TextEncoder().encode(text).length);
  return new Stats({ type: names ? "directory" : "regular-file", size, linkCount: 1n }, 0n, options);
};

/** Of a standard stream: WASI does not say what it is. */
export const pipeStats = (options) => new Stats({ type: "fifo", size: 0n, linkCount: 1n }, 0n, options);

export class Dirent extends Typed {
  constructor(name, type, parentPath) {
    super(type);
    Object.assign(this, { name, parentPath, path: parentPath });
  }
}
