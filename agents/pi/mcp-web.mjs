// What the MCP SDK expects of the web and the engine has not. To be imported before the SDK.

/** The standard stream: bytes in, text out. */
class TextDecoderStream {
  constructor(label = "utf-8", options = {}) {
    const decoder = new TextDecoder(label, options);
    const put = (text, controller) => void (text && controller.enqueue(text));
    const { readable, writable } = new TransformStream({
      transform: (bytes, controller) => put(decoder.decode(bytes, { stream: true }), controller),
      flush: (controller) => put(decoder.decode(), controller),
    });
    Object.assign(this, { encoding: label, readable, writable });
  }
}

globalThis.TextDecoderStream ??= TextDecoderStream;

// There is no page. The engine's `location` throws when it is looked at, and the SDK's libraries look while they load.
Object.defineProperty(globalThis, "location", { value: undefined, configurable: true, writable: true });
