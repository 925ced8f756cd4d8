// Images as the model's API takes them. One that it refuses makes it refuse the whole conversation from then on, so what is none
// becomes text before it gets in. Bytes are strings here, with one character for each.

/** Anthropic's limits ("Vision"): 5 MB in base64, and 8000 pixels a side. */
export const MAX_IMAGE = 3.75 * 1024 * 1024;
const MAX_SIDE = 8000;

/** The number of these bytes, the most significant first. */
function number(data, ...places) {
  return places.reduce((value, at) => value * 256 + data.charCodeAt(at), 0);
}

/** PNG (RFC 2083): the header first, then chunks whose lengths lead to IEND. */
function png(data) {
  if (!data.startsWith("\x89PNG\r\n\x1a\n") || data.slice(12, 16) !== "IHDR") return undefined;
  let hasData = false;
  for (let at = 8; at + 12 <= data.length; at += 12 + number(data, at, at + 1, at + 2, at + 3)) {
    const kind = data.slice(at + 4, at + 8);
    if (kind === "IDAT") hasData = true;
    if (kind === "IEND" && hasData) return [number(data, 16, 17, 18, 19), number(data, 20, 21, 22, 23)];
  }
  return undefined;
}

/** JPEG (ITU T.81, B.1): segments up to a frame header, which has the size, and an end marker somewhere behind. */
function jpeg(data) {
  if (!data.startsWith("\xff\xd8")) return undefined;
  for (let at = 2; at + 9 < data.length && data[at] === "\xff"; ) {
    const marker = data.charCodeAt(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const size = [number(data, at + 7, at + 8), number(data, at + 5, at + 6)];
      return data.lastIndexOf("\xff\xd9") > at ? size : undefined;
    }
    at += marker === 0xff ? 1 : 2 + number(data, at + 2, at + 3);
  }
  return undefined;
}

/** GIF (89a): the size of the screen, and the trailer at the end, behind which some programs leave zeros. */
function gif(data) {
  if (!/^GIF8[79]a/.test(data)) return undefined;
  let end = data.length;
  while (data[end - 1] === "\0") end--;
  if (end < 14 || data[end - 1] !== "\x3b") return undefined;
  return [number(data, 7, 6), number(data, 9, 8)];
}

/** WebP (RFC 9649): a RIFF container that is all there. Its size is in the first chunk, in one of three ways. */
function webp(data) {
  if (!/^RIFF....WEBP/s.test(data) || data.length < Math.max(30, number(data, 7, 6, 5, 4) + 8)) return undefined;
  const bits = number(data, 24, 23, 22, 21);
  switch (data.slice(12, 16)) {
    case "VP8 ":
      return [number(data, 27, 26) & 0x3fff, number(data, 29, 28) & 0x3fff];
    case "VP8L":
      return [(bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1];
    case "VP8X":
      return [number(data, 26, 25, 24) + 1, number(data, 29, 28, 27) + 1];
    default:
      return undefined;
  }
}

export const tooLarge = (size) => `it has ${size} bytes, and an image may have ${MAX_IMAGE}`;

const SIZES = { "image/png": png, "image/jpeg": jpeg, "image/gif": gif, "image/webp": webp };

/**
 * The image that these bytes are, as pi's block, or {problem} in words. What it is called and said to be does not matter.
 *
 * @param {string} data
 */
export function imageFrom(data) {
  const [mimeType, size] =
    Object.entries(SIZES)
      .map(([type, sizeOf]) => [type, sizeOf(data)])
      .find(([, found]) => found) ?? [];
  if (!mimeType) return { problem: "it is no PNG, JPEG, GIF or WebP image, or not a whole one" };
  if (data.length > MAX_IMAGE) return { problem: tooLarge(data.length) };
  const [width, height] = size;
  if (!width || !height || Math.max(width, height) > MAX_SIDE) {
    return { problem: `it is ${width} by ${height} pixels, and a side may have 1 to ${MAX_SIDE}` };
  }
  return { type: "image", data: btoa(data), mimeType };
}

const asText = (problem) => ({ type: "text", text: `(An image that cannot be looked at: ${problem}.)` });

/** A block as it may go into the conversation: an image that is one, or a text that says why not. Others as they are. */
export function soundBlock(block) {
  if (block.type !== "image") return block;
  let data;
  try {
    data = atob(block.data);
  } catch {
    return asText("its data is not base64");
  }
  const image = imageFrom(data);
  return image.problem ? asText(image.problem) : image;
}

const hasImages = ({ content }) => Array.isArray(content) && content.some(({ type }) => type === "image");

function replaceImages(messages, replacement) {
  for (const message of messages.filter(hasImages)) {
    message.content = message.content.map((block) => (block.type === "image" ? replacement(block) : block));
  }
}

/** Has texts stand for the images of a conversation that are none. */
export function mend(messages) {
  replaceImages(messages, soundBlock);
}

/** Has texts stand for all images of these messages. */
export function withdraw(messages) {
  replaceImages(messages, () => asText("the model's API has refused it"));
}

/**
 * The index of the first message whose images may be what the API refuses: those after the last answer, or if there are none, all.
 * Undefined if there are no images at all.
 */
export function firstSuspect(messages) {
  const last = messages.findLastIndex(({ role, stopReason }) => role === "assistant" && !["error", "aborted"].includes(stopReason));
  const recent = messages.findIndex((message, index) => index > last && hasImages(message));
  const any = recent >= 0 ? recent : messages.findIndex(hasImages);
  return any >= 0 ? any : undefined;
}
