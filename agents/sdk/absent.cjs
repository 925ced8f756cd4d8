// In the place of a package that a guest cannot have, or has no use for: it has every name, and what is used of it fails.
module.exports = Object.create(
  new Proxy(
    {},
    {
      get(_, name) {
        if (typeof name === "symbol" || name === "__esModule") return undefined;
        if (name === "default") return module.exports;
        return class {
          constructor() {
            throw new Error(`${name} does not exist in a guest`);
          }
        };
      },
    },
  ),
);
