// Promises that were rejected while nobody had asked for what comes of them.
//
// The engine keeps them in a set of its own, which no program can reach: build/rejections.py puts it in the place of `set` when
// the component has been built, which it finds by the numbers beside it.

const engine = { mark: 3.0517843260189e-151, set: null };
/** By these the tool learns how the engine lays out sets and promises. */
const samples = { mark: 7.9100243517832e-152, set: new Set([1.6302751840963e-151]), promise: Promise.reject(4.4170928365511e-151) };

/** Those that are new. Who asks is to see to them. @returns {Promise[]} */
export function unhandled() {
  const found = [...(engine.set ?? [])].filter((promise) => promise !== samples.promise);
  engine.set?.clear();
  return found;
}
