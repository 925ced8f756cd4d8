// Whether two values are alike to the last member: util.isDeepStrictEqual.

const tag = (value) => Object.prototype.toString.call(value);
const keysOf = (value) => Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key));

/** `pairs` are the objects that are being compared: a cycle that comes back to the same pair is alike so far. */
function alike(a, b, pairs) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) || tag(a) !== tag(b)) return false;
  if (pairs.some(([first, second]) => first === a && second === b)) return true;
  const inside = [...pairs, [a, b]];
  if (a instanceof Date) {
    if (!Object.is(a.getTime(), b.getTime())) return false;
  } else if (a instanceof RegExp) {
    if (String(a) !== String(b) || a.lastIndex !== b.lastIndex) return false;
  } else if (a instanceof Error) {
    if (a.message !== b.message || a.name !== b.name || !alike(a.cause, b.cause, inside)) return false;
  } else if (a instanceof Number || a instanceof String || a instanceof Boolean || tag(a) === "[object BigInt]") {
    if (!Object.is(a.valueOf(), b.valueOf())) return false;
  } else if (a instanceof ArrayBuffer) {
    return alike(new Uint8Array(a), new Uint8Array(b), pairs);
  } else if (a instanceof Map) {
    if (a.size !== b.size || !matched([...a], [...b], inside)) return false;
  } else if (a instanceof Set) {
    if (a.size !== b.size || !matched([...a], [...b], inside)) return false;
  } else if (a instanceof WeakMap || a instanceof WeakSet || a instanceof Promise) {
    return false;
  }
  const keys = keysOf(a);
  return keys.length === keysOf(b).length && keys.every((key) => Object.hasOwn(b, key) && alike(a[key], b[key], inside));
}

/** Whether each of some values has one of the others that is alike; the order does not matter. */
function matched(values, others, pairs) {
  return values.every((value) => {
    const index = others.findIndex((other) => alike(value, other, pairs));
    if (index >= 0) others.splice(index, 1);
    return index >= 0;
  });
}

export const isDeepStrictEqual = (a, b) => alike(a, b, []);
