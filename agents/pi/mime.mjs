// In the place of pi's mime.js, which tells images by a package that knows two hundred kinds of files: what read shows as an image is
// a whole one that the model's API takes. Of what is neither that nor text it says so.

import { readBytes, stat } from "../sdk/web/files.mjs";
import { fromBytes } from "./bytes.mjs";
import { MAX_IMAGE, imageFrom, tooLarge } from "./images.mjs";
import { MAX_FILE } from "./tools/limits.mjs";
import { whyNotText } from "./tools/replace.mjs";

/** Bytes at the beginning of a file that say whether it is text. */
const LOOKED_AT = 8000;
/** Names of images. What a file is its bytes say; its name says what was looked for. */
const IMAGE_NAME = /\.(png|jpe?g|gif|webp)$/i;

/** The kind of an image, or null for text. Throws Error for what is neither, or too much to be read at once. */
export async function detectSupportedImageMimeTypeFromFile(path) {
  const { size } = stat(path);
  if (!whyNotText(fromBytes(readBytes(path, LOOKED_AT)))) {
    if (size > MAX_FILE) throw new Error(`${path} has ${size} bytes: read takes files of at most ${MAX_FILE}; use bash for a part of it`);
    return null;
  }
  const image = size > MAX_IMAGE ? { problem: tooLarge(size) } : imageFrom(fromBytes(readBytes(path)));
  if (!image.problem) return image.mimeType;
  throw new Error(IMAGE_NAME.test(path) ? `${path} cannot be looked at: ${image.problem}` : `${path} is a binary file of ${size} bytes`);
}
