// node:assert/strict

export * from "./assert.mjs";
export { default } from "./assert.mjs";
