// Which model, and how much it thinks: pi's own catalogue, as ACP config options.

import { clampThinkingLevel, getModel, getModels, getSupportedThinkingLevels } from "@mariozechner/pi-ai";

const PROVIDER = "anthropic";
const DEFAULT_MODEL = "claude-sonnet-4-6";
const DEFAULT_THINKING = "medium";

/** The model of this id ("anthropic/ID" too); one that the catalogue does not know is taken to be like the default. */
export function chooseModel(id = DEFAULT_MODEL) {
  const name = id.startsWith(`${PROVIDER}/`) ? id.slice(PROVIDER.length + 1) : id;
  const model = getModel(PROVIDER, name) ?? { ...getModel(PROVIDER, DEFAULT_MODEL), id: name, name };
  const baseUrl = process.env.ANTHROPIC_BASE_URL;
  return baseUrl ? { ...model, baseUrl } : model;
}

export function chooseThinking(model, level = DEFAULT_THINKING) {
  return clampThinkingLevel(model, level);
}

/** @returns ACP's config options for a session with `model` and `thinking` */
export function configOptions({ model, thinking }) {
  const known = getModels(PROVIDER);
  const models = known.some(({ id }) => id === model.id) ? known : [model, ...known];
  return [
    {
      id: "model",
      name: "Model",
      category: "model",
      type: "select",
      currentValue: model.id,
      options: models.map(({ id, name }) => ({ value: id, name })),
    },
    {
      id: "thought_level",
      name: "Thinking",
      category: "thought_level",
      type: "select",
      currentValue: thinking,
      options: getSupportedThinkingLevels(model).map((level) => ({ value: level, name: level })),
    },
  ];
}

/** Sets a config option of the session. False if there is no such option or value. */
export function setOption(session, configId, value) {
  const option = configOptions(session).find(({ id }) => id === configId);
  if (!option?.options.some((choice) => choice.value === value)) return false;
  if (configId === "model") {
    const model = chooseModel(value);
    session.configure(model, chooseThinking(model, session.thinking));
  } else {
    session.configure(session.model, value);
  }
  return true;
}
