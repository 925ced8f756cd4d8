// A filesystem of paper for the rehearsal: as much of a WASI descriptor as pi and its tools use, of files in memory.

const fail = (code) => {
  throw { payload: code };
};

class Paper {
  constructor(files, path, isDirectory) {
    Object.assign(this, { files, path, isDirectory });
  }
  at(name) {
    return name === "." ? this.path : this.path + (this.path ? "/" : "") + name.replace(/\/$/, "");
  }
  isFolder(path) {
    return !path || [...this.files.keys()].some((each) => each.startsWith(`${path}/`));
  }
  openAt(_flags, name, { create, truncate }) {
    const path = this.at(name);
    const folder = this.isFolder(path);
    if (!folder && !this.files.has(path) && !create) fail("no-entry");
    if (!folder && (truncate || !this.files.has(path))) this.files.set(path, new Uint8Array());
    return new Paper(this.files, path, folder);
  }
  createDirectoryAt() {}
  statAt(_flags, name) {
    const path = this.at(name);
    if (!this.isFolder(path) && !this.files.has(path)) fail("no-entry");
    return new Paper(this.files, path, this.isFolder(path)).stat();
  }
  stat() {
    const size = BigInt(this.files.get(this.path)?.length ?? 0);
    const time = { seconds: 0n, nanoseconds: 0 };
    const times = { dataAccessTimestamp: time, dataModificationTimestamp: time, statusChangeTimestamp: time };
    return { type: this.getType(), size, linkCount: 1n, ...times };
  }
  metadataHash() {
    return { lower: 1n, upper: 1n };
  }
  metadataHashAt() {
    return this.metadataHash();
  }
  getType() {
    return this.isDirectory ? "directory" : "regular-file";
  }
  read(length, offset) {
    const bytes = this.files.get(this.path).slice(Number(offset), Number(offset + length));
    return [bytes, Number(offset) + bytes.length >= this.files.get(this.path).length];
  }
  setSize() {}
  write(bytes, offset) {
    const before = this.files.get(this.path);
    const after = new Uint8Array(Math.max(before.length, Number(offset) + bytes.length));
    after.set(before);
    after.set(bytes, Number(offset));
    this.files.set(this.path, after);
    return BigInt(bytes.length);
  }
  readDirectory() {
    const start = this.path ? `${this.path}/` : "";
    const names = new Set([...this.files.keys()].filter((path) => path.startsWith(start)).map((path) => path.slice(start.length).split("/")[0]));
    const entries = [...names].map((name) => ({ name, type: this.statAt({}, name).type }));
    return { readDirectoryEntry: () => entries.shift(), [Symbol.dispose]() {} };
  }
  [Symbol.dispose]() {}
}

/** The root directory of these files, {path: text}. */
export function paperRoot(files) {
  const encoder = new TextEncoder();
  return new Paper(new Map(Object.entries(files).map(([path, text]) => [path, encoder.encode(text)])), "", true);
}
