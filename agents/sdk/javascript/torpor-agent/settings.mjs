// What a user can set of a session: the values are in `session.settings`, by the ids.

import { INVALID_PARAMS, Refusal } from "./connection.mjs";

/** One of several values. */
export class Choice {
  /**
   * @param {Record<string, string>} values what the values are called, by the values; the first is chosen at the beginning
   * @param {string} [category] "model", "thought_level" or "mode", by which clients know what an option is for
   */
  constructor(id, name, values, category) {
    Object.assign(this, { id, name, values, category });
  }

  /** The value at the beginning. */
  get first() {
    return Object.keys(this.values)[0];
  }

  /** Throws Refusal for a value that it cannot have. */
  check(value) {
    if (Object.hasOwn(this.values, value)) return;
    throw new Refusal(INVALID_PARAMS, `${this.id} is one of ${Object.keys(this.values).join(", ")}, not ${JSON.stringify(value)}`);
  }

  /** A `SessionConfigOption` of ACP. */
  toWire(currentValue) {
    const { id, name, values, category } = this;
    const options = Object.entries(values).map(([value, name]) => ({ value, name }));
    return { id, name, type: "select", currentValue, options, category };
  }
}

/** On or off: true or false. A client that does not know such options is not told of it. */
export class Toggle {
  /** @param {boolean} first the value at the beginning */
  constructor(id, name, first = false) {
    Object.assign(this, { id, name, first });
  }

  /** Throws Refusal for a value that it cannot have. */
  check(value) {
    if (typeof value !== "boolean") throw new Refusal(INVALID_PARAMS, `${this.id} is true or false, not ${JSON.stringify(value)}`);
  }

  /** A `SessionConfigOption` of ACP. */
  toWire(currentValue) {
    return { id: this.id, name: this.name, type: "boolean", currentValue };
  }
}

/** ACP's `configOptions`. */
export const optionsToWire = (options, values, withToggles) =>
  options.filter((each) => withToggles || !(each instanceof Toggle)).map((each) => each.toWire(values[each.id]));

/** ACP's `modes`. */
export const modesToWire = (modes, currentModeId) => ({
  currentModeId,
  availableModes: Object.entries(modes).map(([id, name]) => ({ id, name })),
});
