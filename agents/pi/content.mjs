// ACP's content blocks as pi takes them, and pi's sums as ACP has them.

import { soundBlock } from "./images.mjs";

/** One text and images. */
export function readBlocks(blocks) {
  const read = blocks.map(readBlock);
  return {
    text: read.flatMap(({ type, text }) => (type === "text" ? [text] : [])).join("\n"),
    images: read.filter(({ type }) => type === "image"),
  };
}

function readBlock({ type, text, name, uri, data, mimeType, resource }) {
  switch (type) {
    case "text":
      return { type, text };
    case "image":
      return soundBlock({ type, data, mimeType });
    case "resource_link":
      return { type: "text", text: `[${name}](${uri})` };
    case "resource":
      if (resource.text !== undefined) return { type: "text", text: `<file uri="${resource.uri}">\n${resource.text}\n</file>` };
      if (resource.mimeType?.startsWith("image/")) return soundBlock({ type: "image", data: resource.blob, mimeType });
      return { type: "text", text: `(${resource.uri}: ${resource.mimeType ?? "binary data"}, which cannot be shown)` };
    default:
      return { type: "text", text: `(${type} content, which cannot be shown)` };
  }
}

/** The tokens of a turn, as ACP has them. */
export function totalUsage(answers) {
  const total = { totalTokens: 0, inputTokens: 0, outputTokens: 0, cachedReadTokens: 0, cachedWriteTokens: 0 };
  for (const { usage } of answers) {
    total.totalTokens += usage.totalTokens;
    total.inputTokens += usage.input;
    total.outputTokens += usage.output;
    total.cachedReadTokens += usage.cacheRead;
    total.cachedWriteTokens += usage.cacheWrite;
  }
  return total;
}

/** US dollars. */
export function costOf(messages) {
  return messages.reduce((sum, { usage }) => sum + (usage?.cost.total ?? 0), 0);
}
