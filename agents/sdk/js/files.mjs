// Whole-file operations over wasi:filesystem for QuickJS guests. Paths are absolute POSIX paths inside the VM.
// Failures throw an Error whose `code` is WASI's name for it ("no-entry", "read-only", ...).

import preopens from "wasi:filesystem/preopens@0.2.12";
import { decode, encode } from "./utf8.mjs";

const READ_SIZE = 65536;
const WRITE_SIZE = 65536;
const FOLLOW = { symlinkFollow: true };

/** Joins `path` to `base` and takes out "." and "..". */
export function resolve(base, path) {
  const out = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") out.pop();
    else if (part && part !== ".") out.push(part);
  }
  return "/" + out.join("/");
}

/** Runs `use(descriptor, relative path)` on the preopened directory that holds `path`. */
function at(path, use) {
  const directories = preopens.getDirectories();
  try {
    let best = null;
    for (const [descriptor, name] of directories) {
      const prefix = name.endsWith("/") ? name : name + "/";
      if ((path + "/").startsWith(prefix) && (!best || prefix.length > best.prefix.length)) best = { descriptor, prefix };
    }
    if (!best) throw wasiError("no-entry", path);
    return use(best.descriptor, path.slice(best.prefix.length) || ".");
  } catch (error) {
    throw error.code ? error : wasiError(String(error?.payload ?? error), path);
  } finally {
    for (const [descriptor] of directories) descriptor[Symbol.dispose]();
  }
}

function wasiError(code, path, text = code) {
  return Object.assign(new Error(`${text}: ${path}`), { code });
}

/** What is no regular file is refused ("is-directory", "invalid"): a device may have no end. @returns {string} */
export function readFile(path) {
  return at(path, (root, name) => {
    const file = root.openAt(FOLLOW, name, {}, { read: true });
    try {
      const type = file.getType();
      if (type === "directory") throw wasiError("is-directory", path);
      if (type !== "regular-file") throw wasiError("invalid", path, "a device, not a file");
      const parts = [];
      let offset = 0;
      for (;;) {
        const [bytes, end] = file.read(READ_SIZE, offset);
        parts.push(bytes);
        offset += bytes.length;
        if (end || !bytes.length) break;
      }
      const whole = new Uint8Array(offset);
      let to = 0;
      for (const part of parts) {
        whole.set(part, to);
        to += part.length;
      }
      return decode(whole);
    } finally {
      file[Symbol.dispose]();
    }
  });
}

/** Creates or replaces a file. @returns {number} bytes written */
export function writeFile(path, text) {
  const bytes = encode(text);
  return at(path, (root, name) => {
    const file = root.openAt(FOLLOW, name, { create: true, truncate: true }, { write: true });
    try {
      let offset = 0;
      while (offset < bytes.length) offset += file.write(bytes.slice(offset, offset + WRITE_SIZE), offset);
      return offset;
    } finally {
      file[Symbol.dispose]();
    }
  });
}

/** Makes a directory and those above it that are missing. */
export function makeDirectories(path) {
  const parts = path.split("/").filter(Boolean);
  for (let count = 1; count <= parts.length; count++) {
    try {
      at("/" + parts.slice(0, count).join("/"), (root, name) => root.createDirectoryAt(name));
    } catch (error) {
      if (error.code !== "exist") throw error;
    }
  }
}

/** @returns {string[]} names in order, directories with a slash at the end */
export function list(path) {
  return at(path, (root, name) => {
    const directory = root.openAt(FOLLOW, name, { directory: true }, { read: true });
    const names = [];
    try {
      const stream = directory.readDirectory();
      try {
        for (let entry; (entry = stream.readDirectoryEntry()); ) {
          names.push(entry.type === "directory" ? entry.name + "/" : entry.name);
        }
      } finally {
        stream[Symbol.dispose]();
      }
    } finally {
      directory[Symbol.dispose]();
    }
    return names.sort();
  });
}
