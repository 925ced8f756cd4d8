// node:fs. Every function with a callback is the synchronous one of its name, but for those that read: they wait for devices.

import { absent } from "./errors.mjs";
import { constants } from "./fs-constants.mjs";
import * as files from "./fs-files.mjs";
import promises from "./fs-promises.mjs";
import { Dirent, Stats } from "./fs-stats.mjs";
import { createReadStream, createWriteStream, ReadStream, WriteStream } from "./fs-streams.mjs";
import * as sync from "./fs-sync.mjs";

export * from "./fs-sync.mjs";
export * from "./fs-streams.mjs";
export {
  closeSync, fchmodSync, fchownSync, fdatasyncSync, fstatSync, fsyncSync, ftruncateSync, futimesSync, openSync, readSync, writeSync,
} from "./fs-files.mjs";
export { constants, Dirent, promises, Stats };
export const { F_OK, R_OK, W_OK, X_OK } = constants;

const { readLater, readRest: _, readRestLater: __, timestamp: ___, ...open } = files;
const all = { ...sync, ...open };

/** `results` of a value are what the callback gets behind the error. */
function withCallback(use, results = (value) => [value]) {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== "function") throw Object.assign(new TypeError('The "cb" argument must be a function'), { code: "ERR_INVALID_ARG_TYPE" });
    let value;
    try {
      value = use(...args);
    } catch (error) {
      process.nextTick(callback, error);
      return;
    }
    process.nextTick(callback, null, ...results(value, args));
  };
}

function withCallbackLater(use, results = (value) => [value]) {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== "function") throw Object.assign(new TypeError('The "cb" argument must be a function'), { code: "ERR_INVALID_ARG_TYPE" });
    (async () => use(...args))().then(
      (value) => process.nextTick(callback, null, ...results(value, args)),
      (error) => process.nextTick(callback, error),
    );
  };
}

const withCallbacks = Object.fromEntries(
  Object.entries(all)
    .filter(([name]) => name.endsWith("Sync") && name !== "existsSync")
    .map(([name, use]) => [name.slice(0, -"Sync".length), withCallback(use)]),
);
withCallbacks.readFile = withCallbackLater(promises.readFile);
export const {
  access, appendFile, chmod, chown, close, copyFile, cp, fchmod, fchown, fdatasync, fstat, fsync, ftruncate, futimes, lchown, link, lstat, lutimes, mkdir,
  mkdtemp, open: open_, opendir, readdir, readFile, readlink, realpath, rename, rm, rmdir, stat, symlink, truncate, unlink, utimes, writeFile,
} = withCallbacks;
export { open_ as open };
realpath.native = realpath;

/** The buffer is told as well. */
export const read = withCallbackLater(readLater, (count, [, buffer]) => [count, buffer]);
export const write = withCallback(files.writeSync, (count, [, data]) => [count, data]);
export const exists = (path, callback) => void process.nextTick(callback, sync.existsSync(path));

/** Nobody is told of changes. */
export const watch = absent("fs.watch");
export const watchFile = absent("fs.watchFile");
export const unwatchFile = () => {};
export const globSync = absent("fs.globSync");

export default {
  ...all, ...withCallbacks, constants, createReadStream, createWriteStream, Dirent, exists, globSync, promises, read, ReadStream, Stats, unwatchFile, watch,
  watchFile, write, WriteStream, ...{ F_OK, R_OK, W_OK, X_OK },
};
