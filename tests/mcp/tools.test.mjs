// How pi shows MCP's tools to the model: names, schemas, results.

import assert from "node:assert/strict";
import test from "node:test";
import { toolName, toolResult, toolSchema, toolTitle } from "../../agents/pi/mcp-tools.mjs";

test("names are of the model's alphabet and length, and each is there once", () => {
  const taken = new Set();
  assert.equal(toolName("my server", "read/file", taken), "mcp__my_server__read_file");
  assert.equal(toolName("my_server", "read.file", taken), "mcp__my_server__read_file_2");
  const long = [1, 2].map(() => toolName("s", "x".repeat(200), taken));
  assert.deepEqual(long.map(({ length }) => length), [64, 64]);
  assert.notEqual(long[0], long[1]);
  assert.equal(toolTitle("mcp__s__a__b"), "s: a__b");
  assert.equal(toolTitle("read"), undefined);
});

test("references are resolved, also those of a schema to itself", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/Node" } } };
  const schema = { type: "object", properties: { head: { $ref: "#/$defs/Node", description: "the first" } }, $defs: { Node: node } };
  const { properties, $defs } = toolSchema(schema);
  assert.equal($defs, undefined);
  assert.equal(properties.head.description, "the first");
  let depth = 0;
  for (let at = properties.head; at?.properties; at = at.properties.next) depth++;
  assert.equal(depth, 8);
  assert.ok(!JSON.stringify(properties).includes("$ref"));
});

test("every kind of content is shown or named", () => {
  const { content } = toolResult({
    content: [
      { type: "text", text: "t" },
      { type: "image", data: "aW1n", mimeType: "image/png" },
      { type: "audio", data: "", mimeType: "audio/wav" },
      { type: "resource_link", uri: "file:///a", name: "a" },
      { type: "resource", resource: { uri: "u:1", text: "inside" } },
      { type: "resource", resource: { uri: "u:2", blob: "aW1n", mimeType: "image/gif" } },
      { type: "resource", resource: { uri: "u:3", blob: "aW1n" } },
    ],
  });
  assert.deepEqual(content[1], { type: "image", data: "aW1n", mimeType: "image/png" });
  assert.deepEqual(content[5], { type: "image", data: "aW1n", mimeType: "image/gif" });
  const texts = content.filter(({ type }) => type === "text").map(({ text }) => text);
  assert.deepEqual(texts, [
    "t",
    "(audio content, which cannot be shown)",
    "[a](file:///a)",
    '<resource uri="u:1">\ninside\n</resource>',
    "(u:3: binary data, which cannot be shown)",
  ]);
});

test("what has no content has its structured content, and what is long is cut off", () => {
  assert.equal(toolResult({ structuredContent: { a: 1 } }).content[0].text, '{"a":1}');
  assert.equal(toolResult({}).content[0].text, "(no output)");
  const { text } = toolResult({ content: [{ type: "text", text: "x".repeat(100_000) }] }).content[0];
  assert.match(text.slice(-40), /\(48800 characters more\)$/);
});

test("an error of the tool is thrown", () => {
  assert.throws(() => toolResult({ content: [{ type: "text", text: "no" }], isError: true }), { message: "no" });
});
