/** Larger changes are reported in words only: clients draw diffs, they do not scroll through megabytes of them. */
export const MAX_DIFF = 256 * 1024;

/** ACP's diff of a change, or undefined if it is too large to show. */
export function diffOf(path, oldText, newText) {
  if ((oldText?.length ?? 0) + newText.length > MAX_DIFF) return undefined;
  return { path, oldText, newText };
}
