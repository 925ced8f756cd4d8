// node:path/win32: see path.mjs

export * from "./path.mjs";
export { default } from "./path.mjs";
