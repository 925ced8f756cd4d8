// Files that a tool takes whole. /dev is not made of such: the agent's own stdin, which a path can name, never ends, and its bytes
// are the client's.

import { stat } from "../../sdk/web/files.mjs";

/** The size of the file at `path`. Throws Error for a directory, where `instead` says what to do, and for what is no file. */
export function fileSize(path, instead = "") {
  const { size, type } = stat(path);
  if (type === "directory") throw new Error(`${path} is a directory${instead}`);
  if (type !== "file") throw new Error(`${path} is a device, not a file`);
  return size;
}
