// An MCP tool as the model sees it: its name, its schema, its result.

import { cut } from "./text.mjs";
import { MAX_BYTES } from "./tools/limits.mjs";

/** Anthropic's limit for a tool's name; what is not of its alphabet becomes "_". */
const MAX_NAME = 64;
/** Schemas that refer to themselves are cut off here: the model needs no deeper a picture. */
const MAX_DEPTH = 8;
const PREFIX = "mcp__";

/** A name that says whose tool it is, and that no other tool in `taken` has. */
export function toolName(server, tool, taken) {
  const base = `${PREFIX}${server}__${tool}`.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, MAX_NAME);
  let name = base;
  for (let number = 2; taken.has(name); number++) {
    name = base.slice(0, MAX_NAME - String(number).length - 1) + `_${number}`;
  }
  taken.add(name);
  return name;
}

/** How a client shows the call, or undefined if the tool is none of MCP's. */
export function toolTitle(name) {
  if (!name.startsWith(PREFIX)) return undefined;
  const [server, ...tool] = name.slice(PREFIX.length).split("__");
  return tool.length ? `${server}: ${tool.join("__")}` : undefined;
}

/** The input schema with its own definitions put in place of references to them: pi passes on properties only. */
export function toolSchema(schema) {
  const definitions = { ...schema.definitions, ...schema.$defs };
  function inline(value, depth) {
    if (!value || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map((item) => inline(item, depth));
    const [, name] = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(typeof value.$ref === "string" ? value.$ref : "") ?? [];
    if (name !== undefined) {
      const { $ref: _, ...rest } = value;
      return depth < MAX_DEPTH && definitions[name] ? { ...inline(definitions[name], depth + 1), ...inline(rest, depth) } : rest;
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inline(item, depth)]));
  }
  const { $defs: _, definitions: __, ...rest } = schema;
  return inline(rest, 0);
}

function shorten(text) {
  return text.length > MAX_BYTES ? `${cut(text, MAX_BYTES)}\n(${text.length - MAX_BYTES} characters more)` : text;
}

function block(content) {
  switch (content.type) {
    case "text":
      return { type: "text", text: shorten(content.text) };
    case "image":
      return { type: "image", data: content.data, mimeType: content.mimeType };
    case "resource_link":
      return { type: "text", text: `[${content.title ?? content.name}](${content.uri})` };
    case "resource": {
      const { uri, text, blob, mimeType } = content.resource;
      if (text !== undefined) return { type: "text", text: `<resource uri="${uri}">\n${shorten(text)}\n</resource>` };
      if (mimeType?.startsWith("image/")) return { type: "image", data: blob, mimeType };
      return { type: "text", text: `(${uri}: ${mimeType ?? "binary data"}, which cannot be shown)` };
    }
    default:
      return { type: "text", text: `(${content.type} content, which cannot be shown)` };
  }
}

/** pi's result of a call; an error of the tool is thrown, which is how pi's tools fail. */
export function toolResult({ content = [], structuredContent, isError }) {
  const blocks = content.map(block);
  if (!blocks.length) {
    const text = structuredContent === undefined ? "(no output)" : shorten(JSON.stringify(structuredContent));
    blocks.push({ type: "text", text });
  }
  if (isError) throw new Error(blocks.map(({ text }) => text ?? "(an image)").join("\n"));
  return { content: blocks, details: {} };
}
