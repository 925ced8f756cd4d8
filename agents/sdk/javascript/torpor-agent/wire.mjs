// Messages as lines of JSON on the standard streams.

let write = (text) => process.stdout.write(text);

/** Has what is printed go to stderr from here on: stdout has the messages. */
export function takeOutput() {
  const { stdout, stderr } = process;
  const own = stdout.write;
  write = (text) => own.call(stdout, text);
  stdout.write = (...given) => stderr.write(...given);
}

/** Writes a message, whole. */
export function send(message) {
  write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

/**
 * Hands over message after message. What is no JSON object is left out, and told.
 *
 * @param {(message: object) => void} take
 * @returns {Promise<void>} when the input has ended
 */
export function receive(take) {
  const decoder = new TextDecoder();
  let parts = [];
  process.stdin.on("data", (bytes) => {
    const [first, ...others] = decoder.decode(bytes, { stream: true }).split("\n");
    parts.push(first);
    for (const next of others) {
      parse(parts.join(""), take);
      parts = [next];
    }
  });
  return new Promise((resolve) => process.stdin.on("end", resolve));
}

function parse(line, take) {
  if (!line.trim()) return;
  let message;
  try {
    message = JSON.parse(line);
  } catch (error) {
    console.error(`a line that is no JSON: ${error.message}`);
    return;
  }
  if (message && typeof message === "object" && !Array.isArray(message)) take(message);
}
