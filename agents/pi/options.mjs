// Model and thinking as ACP config options, over all providers for which there is a key.

import { RequestError } from "@agentclientprotocol/sdk";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AuthStorage, ModelRegistry } from "./pi.mjs";

const DEFAULT_PROVIDER = "anthropic";
const DEFAULT_MODEL = "claude-sonnet-4-6";

/** Variables that have another server speak for a provider. */
const BASE_URLS = { anthropic: "ANTHROPIC_BASE_URL", openai: "OPENAI_BASE_URL", google: "GEMINI_BASE_URL", openrouter: "OPENROUTER_BASE_URL" };

/** What a model is called: Anthropic's by their ids alone. */
const nameOf = ({ provider, id }) => (provider === DEFAULT_PROVIDER ? id : `${provider}/${id}`);

/** The models where the VM's files say nothing of such. It is made while the component is built: there are hundreds, each to be copied. */
const usual = ModelRegistry.inMemory(AuthStorage.inMemory());

/** What there is of models and keys by pi's files in a folder and by the environment. */
export function registryOf(agentDir) {
  const [keys, models] = ["auth.json", "models.json"].map((name) => existsSync(join(agentDir, name)));
  const registry = keys || models ? ModelRegistry.create(keys ? AuthStorage.create() : AuthStorage.inMemory()) : usual;
  redirect(registry);
  return registry;
}

/** Has servers in the places of providers, as the environment says. registry.registerProvider() would make the whole list anew. */
function redirect(registry) {
  for (const [provider, variable] of Object.entries(BASE_URLS)) {
    const baseUrl = process.env[variable];
    if (baseUrl) for (const model of modelsOf(registry, provider)) model.baseUrl = baseUrl;
  }
}

/** Those of one provider. A loop with as little in it as can be: it comes by hundreds of them. */
function modelsOf(registry, provider) {
  const all = registry.getAll();
  const found = [];
  for (let at = 0; at < all.length; at++) if (all[at].provider === provider) found.push(all[at]);
  return found;
}

/**
 * The model of a name, "PROVIDER/ID" or an id of Anthropic's. One that the catalogue does not know is taken to be like another of its
 * provider.
 */
export function chooseModel(registry, name) {
  const slash = name.indexOf("/");
  const prefix = name.slice(0, Math.max(0, slash));
  const others = !prefix || prefix === DEFAULT_PROVIDER ? [] : modelsOf(registry, prefix);
  const provider = others[0]?.provider ?? DEFAULT_PROVIDER;
  const id = provider === prefix ? name.slice(slash + 1) : name;
  const like = others[0] ?? registry.find(DEFAULT_PROVIDER, DEFAULT_MODEL);
  return registry.find(provider, id) ?? { ...like, id, name: id };
}

/** The model that a session starts with: the one that is asked for, or pi's choice of those for which there is a key. */
export function firstModel(registry, settings, asked) {
  if (asked) return chooseModel(registry, asked);
  const usual = chooseModel(registry, DEFAULT_MODEL);
  const leaveToPi = settings.getDefaultModel() || (!registry.hasConfiguredAuth(usual) && registry.getAvailable().length);
  return leaveToPi ? undefined : usual;
}

/** Throws RequestError if there is no key for a model, or one that no request can carry. */
export async function checkKey(registry, { provider }) {
  const variable = { anthropic: "ANTHROPIC_API_KEY", openai: "OPENAI_API_KEY", google: "GEMINI_API_KEY", openrouter: "OPENROUTER_API_KEY" }[provider] ?? `the key of ${provider}`;
  const key = (await registry.getApiKeyForProvider(provider))?.trim();
  if (!key) throw RequestError.authRequired({ variable }, `${variable} is not set`);
  if (/[^\x21-\x7e]/.test(key)) throw RequestError.authRequired({ variable }, `${variable} has characters that no key has`);
}

/** registry.getAvailable(), which looks for the key of each of the hundreds of models anew. */
function available(registry) {
  const all = registry.getAll();
  const found = [];
  let provider;
  let hasKey = false;
  for (let at = 0; at < all.length; at++) {
    if (all[at].provider !== provider) {
      provider = all[at].provider;
      hasKey = registry.hasConfiguredAuth(all[at]);
    }
    if (hasKey) found.push(all[at]);
  }
  return found;
}

export function configOptions({ pi }) {
  const { model, thinkingLevel, modelRegistry } = pi;
  const withKey = available(modelRegistry);
  const known = withKey.length ? withKey : modelsOf(modelRegistry, model.provider);
  const models = known.some((one) => nameOf(one) === nameOf(model)) ? known : [model, ...known];
  return [
    {
      id: "model",
      name: "Model",
      category: "model",
      type: "select",
      currentValue: nameOf(model),
      options: models.map((one) => ({ value: nameOf(one), name: one.name })),
    },
    {
      id: "thought_level",
      name: "Thinking",
      category: "thought_level",
      type: "select",
      currentValue: thinkingLevel,
      options: pi.getAvailableThinkingLevels().map((level) => ({ value: level, name: level })),
    },
  ];
}

/** False if there is no such option or value. */
export async function setOption(session, configId, value) {
  const option = configOptions(session).find(({ id }) => id === configId);
  if (!option?.options.some((choice) => choice.value === value)) return false;
  if (configId === "model") session.setModel(chooseModel(session.pi.modelRegistry, value));
  else session.pi.setThinkingLevel(value);
  return true;
}
