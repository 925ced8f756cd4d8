// In the place of jiti, which compiles TypeScript: the engine of a guest loads no code when it runs.
export function createJiti() {
  return {
    import() {
      throw new Error("extensions of pi cannot be loaded in a guest");
    },
  };
}
