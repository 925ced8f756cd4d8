// In the place of what pi draws in terminals and pages with: a guest has none, and ACP's clients draw for themselves.

class Absent {
  constructor() {
    throw new Error("pi has no terminal in a guest");
  }
}

export {
  Absent as Box,
  Absent as Container,
  Absent as Spacer,
  Absent as Text,
  Absent as createToolHtmlRenderer,
  Absent as exportSessionToHtml,
  Absent as getCapabilities,
  Absent as getImageDimensions,
  Absent as getKeybindings,
  Absent as getLanguageFromPath,
  Absent as highlightCode,
  Absent as imageFallback,
  Absent as loadThemeFromPath,
  Absent as theme,
  Absent as truncateToWidth,
};
