// The command line: what `node` takes before the program's own arguments.

export const HELP = `Usage: node [options] [script.js] [arguments]
       node [options] -e SCRIPT | -p SCRIPT [arguments]
       node [options] - [arguments]              the script is on stdin, as without any script

  -v, --version               print the version
  -h, --help                  print this
  -e, --eval SCRIPT           run SCRIPT
  -p, --print SCRIPT          run SCRIPT and print what it comes to
  -c, --check                 only look for syntax errors
  -r, --require MODULE        load a CommonJS module first (can be given again)
  --import MODULE             load an ES module first (can be given again)
  -C, --conditions NAME       a further condition of packages' exports (can be given again)
  --input-type TYPE           what SCRIPT or stdin is: module, commonjs, module-typescript or commonjs-typescript
  --env-file FILE             set variables from FILE (--env-file-if-exists: if it is there)
  --stack-trace-limit N       calls shown of a stack
  --unhandled-rejections MODE throw, strict, warn, warn-with-error-code or none
  --no-warnings               print no warnings
  --                          what follows is a script and its arguments

Options of Node's that change nothing here are taken and ignored.
`;

const SHORT = { v: "version", h: "help", e: "eval", p: "print", c: "check", r: "require", C: "conditions", pe: "print", ep: "print" };
const WITH_VALUE = new Set(["eval", "print", "require", "import", "conditions", "input-type", "env-file", "env-file-if-exists", "stack-trace-limit", "unhandled-rejections"]);
const MANY = new Set(["require", "import", "conditions", "env-file", "env-file-if-exists"]);
const PLAIN = new Set(["version", "help", "check", "no-warnings"]);
/** What has no meaning here, or is so anyway. */
const IGNORED =
  /^(no-)?(experimental-|harmony|trace-|enable-source-maps|preserve-symlinks|deprecation|pending-deprecation|warnings|max-|min-|expose-gc|expose_gc|jitless|abort-on-|report-|inspect|disable-|huge-max-|stack-size|title|tls-|use-|openssl-|dns-result-order|network-|insecure-|icu-data-dir|zero-fill-buffers|verify-base-objects|force-|frozen-intrinsics|throw-deprecation|global-search-paths|addons|extra-info-on-fatal-exception|strip-types|entry-url)/;
const FROM_ENVIRONMENT = new Set(["require", "import", "conditions", "env-file", "stack-trace-limit", "unhandled-rejections", "no-warnings", "input-type"]);

export class BadOptionError extends Error {}

const nothingGiven = () => Object.fromEntries([...MANY].map((name) => [name, []]));

/** @returns {{options: object, rest: string[]}} `rest` begins with the script, unless there is `eval` or `print`. */
export function parseOptions(words) {
  const options = nothingGiven();
  const rest = [...words];
  take(rest, options, () => true);
  return { options, rest };
}

/** Adds what NODE_OPTIONS says. */
export function addEnvironment(options, text) {
  const words = [...text.matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(([word, quoted]) => quoted?.replace(/\\(.)/g, "$1") ?? word);
  const given = nothingGiven();
  take(words, given, (name) => FROM_ENVIRONMENT.has(name));
  if (words.length) throw new BadOptionError(`${words[0]} is not allowed in NODE_OPTIONS`);
  for (const [name, value] of Object.entries(given)) {
    if (MANY.has(name)) options[name].unshift(...value);
    else options[name] ??= value;
  }
}

function take(words, options, allowed) {
  while (/^-./.test(words[0] ?? "")) {
    const word = words.shift();
    if (word === "--") return;
    const [, dashes, name, value] = /^(--?)([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const long = dashes === "--" ? name.replaceAll("_", "-") : SHORT[name];
    if (WITH_VALUE.has(long) && allowed(long)) {
      // `-p` alone prints what comes from stdin.
      if (value === undefined && !words.length && long !== "print") throw new BadOptionError(`${word} requires an argument`);
      const given = value ?? words.shift();
      if (MANY.has(long)) options[long].push(given);
      else options[long] = given;
      if (long === "print") options.printed = true;
    } else if (PLAIN.has(long) && allowed(long)) options[long] = true;
    else if (dashes !== "--" || !IGNORED.test(long)) throw new BadOptionError(`bad option: ${word}`);
  }
}
