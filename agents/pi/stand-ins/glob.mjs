// In the place of the package glob, which pi's packages may name their files by.
export function globSync(pattern) {
  throw new Error(`${pattern}: pi's packages cannot name files by patterns here`);
}
