// How much of its own output a tool may put into the model's context, where pi's tools do not say it themselves.

export const MAX_BYTES = 50 * 1024;
/** Beyond this a file is no text that is changed by a model, and holding it would cost the guest its memory. */
export const MAX_FILE = 10 * 1024 * 1024;
