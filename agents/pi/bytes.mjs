// Bytes as a string with one character for each: the engine searches strings at full speed, and loops over bytes slowly.

const RUN = 0x8000;

/** @param {Uint8Array} bytes @returns {string} */
export function fromBytes(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += RUN) text += String.fromCharCode.apply(null, bytes.subarray(at, at + RUN));
  return text;
}
