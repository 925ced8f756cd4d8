// Errors as Node's callers know them: Linux's numbers, names and texts.

const TEXTS = {
  E2BIG: [7, "argument list too long"],
  EACCES: [13, "permission denied"],
  EAGAIN: [11, "resource temporarily unavailable"],
  EBADF: [9, "bad file descriptor"],
  EBUSY: [16, "resource busy or locked"],
  EEXIST: [17, "file already exists"],
  EFBIG: [27, "file too large"],
  EINVAL: [22, "invalid argument"],
  EIO: [5, "i/o error"],
  EISDIR: [21, "illegal operation on a directory"],
  ELOOP: [40, "too many symbolic links encountered"],
  EMFILE: [24, "too many open files"],
  ENAMETOOLONG: [36, "name too long"],
  ENFILE: [23, "file table overflow"],
  ENOENT: [2, "no such file or directory"],
  ENOEXEC: [8, "exec format error"],
  ENOMEM: [12, "not enough memory"],
  ENOSPC: [28, "no space left on device"],
  ENOSYS: [38, "function not implemented"],
  ENOTDIR: [20, "not a directory"],
  ENOTEMPTY: [39, "directory not empty"],
  ENOTSUP: [95, "operation not supported"],
  EPERM: [1, "operation not permitted"],
  EPIPE: [32, "broken pipe"],
  ETIMEDOUT: [110, "connection timed out"],
  EROFS: [30, "read-only file system"],
  ESRCH: [3, "no such process"],
  EXDEV: [18, "cross-device link not permitted"],
};

/** Linux's numbers, as os.constants has them. */
export const ERRNO = Object.fromEntries(Object.entries(TEXTS).map(([code, [number]]) => [code, number]));

/** The code of an error's number, which is negative where Node gives it. */
export const codeOf = (errno) => Object.keys(ERRNO).find((code) => ERRNO[code] === Math.abs(errno)) ?? `Unknown system error ${errno}`;

/** @returns {Error} with code, errno, syscall and, where they are given, path and dest */
export function systemError(code, syscall, path, dest) {
  const [number, text] = TEXTS[code] ?? [5, code];
  const where = path === undefined ? "" : ` '${path}'${dest === undefined ? "" : ` -> '${dest}'`}`;
  const error = Object.assign(new Error(`${code}: ${text}, ${syscall}${where}`), { errno: -number, code, syscall });
  if (path !== undefined) error.path = path;
  if (dest !== undefined) error.dest = dest;
  return error;
}

/** An error of a wrong argument. */
export function argumentError(name, expected, value) {
  const error = new TypeError(`The "${name}" argument must be ${expected}. Received ${value === null ? "null" : typeof value}`);
  return Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

/** What a guest cannot do. */
export function absentError(what) {
  return Object.assign(new Error(`${what} does not exist in a guest`), { code: "ERR_FEATURE_UNAVAILABLE_ON_PLATFORM" });
}

/** A function for what a guest cannot do. */
export const absent = (what) => () => {
  throw absentError(what);
};
