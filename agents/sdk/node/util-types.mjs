// node:util/types

const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);
const tagged = (name) => (value) => typeof value === "object" && value !== null && tag(value) === name;
const made = (maker) => (value) => typeof value === "function" && value.constructor?.name === maker;

export const isAnyArrayBuffer = (value) => isArrayBuffer(value) || isSharedArrayBuffer(value);
export const isArgumentsObject = tagged("Arguments");
export const isArrayBuffer = (value) => value instanceof ArrayBuffer;
export const isArrayBufferView = ArrayBuffer.isView;
export const isAsyncFunction = (value) => made("AsyncFunction")(value) || made("AsyncGeneratorFunction")(value);
export const isBigIntObject = tagged("BigInt");
export const isBooleanObject = tagged("Boolean");
export const isBoxedPrimitive = (value) => [isBigIntObject, isBooleanObject, isNumberObject, isStringObject, isSymbolObject].some((is) => is(value));
export const isDataView = (value) => value instanceof DataView;
export const isDate = (value) => value instanceof Date;
export const isExternal = () => false;
export const isGeneratorFunction = (value) => made("GeneratorFunction")(value) || made("AsyncGeneratorFunction")(value);
export const isGeneratorObject = tagged("Generator");
export const isMap = (value) => value instanceof Map;
export const isMapIterator = tagged("Map Iterator");
export const isModuleNamespaceObject = tagged("Module");
export const isNativeError = (value) => value instanceof Error;
export const isNumberObject = tagged("Number");
export const isPromise = (value) => value instanceof Promise;
/** Nobody can tell. */
export const isProxy = () => false;
export const isRegExp = (value) => value instanceof RegExp;
export const isSet = (value) => value instanceof Set;
export const isSetIterator = tagged("Set Iterator");
export const isSharedArrayBuffer = (value) => typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer;
export const isStringObject = tagged("String");
export const isSymbolObject = tagged("Symbol");
export const isTypedArray = (value) => ArrayBuffer.isView(value) && !isDataView(value);
export const isUint8Array = (value) => value instanceof Uint8Array;
export const isUint8ClampedArray = (value) => value instanceof Uint8ClampedArray;
export const isUint16Array = (value) => value instanceof Uint16Array;
export const isUint32Array = (value) => value instanceof Uint32Array;
export const isInt8Array = (value) => value instanceof Int8Array;
export const isInt16Array = (value) => value instanceof Int16Array;
export const isInt32Array = (value) => value instanceof Int32Array;
export const isFloat32Array = (value) => value instanceof Float32Array;
export const isFloat64Array = (value) => value instanceof Float64Array;
export const isBigInt64Array = (value) => value instanceof BigInt64Array;
export const isBigUint64Array = (value) => value instanceof BigUint64Array;
export const isWeakMap = (value) => value instanceof WeakMap;
export const isWeakSet = (value) => value instanceof WeakSet;

export default {
  isAnyArrayBuffer, isArgumentsObject, isArrayBuffer, isArrayBufferView, isAsyncFunction, isBigInt64Array, isBigIntObject, isBigUint64Array,
  isBooleanObject, isBoxedPrimitive, isDataView, isDate, isExternal, isFloat32Array, isFloat64Array, isGeneratorFunction, isGeneratorObject,
  isInt16Array, isInt32Array, isInt8Array, isMap, isMapIterator, isModuleNamespaceObject, isNativeError, isNumberObject, isPromise, isProxy,
  isRegExp, isSet, isSetIterator, isSharedArrayBuffer, isStringObject, isSymbolObject, isTypedArray, isUint16Array, isUint32Array, isUint8Array,
  isUint8ClampedArray, isWeakMap, isWeakSet,
};
