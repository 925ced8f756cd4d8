// Paths as a shell takes them. Nothing else is made of them: "@" at the beginning, spaces of every kind, "$" and quotes are parts of
// names.

const HOME = "/home/user";

/** The absolute form of a path that a model has written. ".." is left to the filesystem: behind a symbolic link it is not what
 * the text says. A slash at the end stays, since it says that a directory is meant. */
export function absolutePath(path, cwd) {
  const inHome = path === "~" || path.startsWith("~/");
  const from = inHome ? (process.env.HOME || HOME) + path.slice(1) : path.startsWith("/") ? path : `${cwd}/${path}`;
  const parts = from.split("/").filter((part) => part && part !== ".");
  const end = parts.length && path !== "." && /\/\.?$/.test(path) ? "/" : "";
  return `/${parts.join("/")}${end}`;
}
