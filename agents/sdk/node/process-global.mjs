// The object that `process` is, before process.mjs has made it whole: what that is made of needs it.

export default globalThis.process;
export const { nextTick } = globalThis.process;
