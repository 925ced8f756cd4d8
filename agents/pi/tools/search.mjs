// pi's grep and find, over the VM's rg: pi's own have rg write JSON, and run fd, which Torpor's commands have not.

import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { createFindToolDefinition } from "../../node_modules/@mariozechner/pi-coding-agent/dist/core/tools/find.js";
import { createGrepToolDefinition } from "../../node_modules/@mariozechner/pi-coding-agent/dist/core/tools/grep.js";
import { DEFAULT_MAX_BYTES, formatSize, truncateHead, truncateLine } from "../../node_modules/@mariozechner/pi-coding-agent/dist/core/tools/truncate.js";
import { absolutePath } from "./paths.mjs";

/** pi's own limit of matches where the model gives none. */
const DEFAULT_LIMIT = 100;

/**
 * Runs rg, and gives each line of its output to `take` until that returns false.
 *
 * @returns {Promise<void>} rejects with what rg says is wrong
 */
function rg(args, cwd, signal, take) {
  return new Promise((resolve, reject) => {
    const child = spawn("rg", ["--hidden", "--color=never", ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let complaint = "";
    let enough = false;
    const stop = () => child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    child.stderr.on("data", (chunk) => (complaint += chunk));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (enough || take(line) !== false) return;
      enough = true;
      stop();
    });
    child.on("error", (error) => reject(new Error(`Failed to run ripgrep: ${error.message}`)));
    child.on("close", (code) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(new Error("Operation aborted"));
      else if (enough || code === 0 || code === 1) resolve();
      else reject(new Error(complaint.trim() || `ripgrep exited with code ${code}`));
    });
  });
}

const text = (lines, notices) => {
  const { content, truncated } = truncateHead(lines.join("\n"), { maxLines: Number.MAX_SAFE_INTEGER });
  if (truncated) notices.push(`${formatSize(DEFAULT_MAX_BYTES)} limit reached`);
  return { content: [{ type: "text", text: notices.length ? `${content}\n\n[${notices.join(". ")}]` : content }], details: undefined };
};

/** A line of `rg --null --line-number`: the path ends with NUL, the number with ":" at a match and "-" beside one. */
const FOUND = /^(.*)\0(\d+)([:-])(.*)$/s;

async function grep(cwd, { pattern, path = ".", glob, ignoreCase, literal, context = 0, limit = DEFAULT_LIMIT }, signal) {
  const place = absolutePath(path, cwd);
  if (!existsSync(place)) throw new Error(`Path not found: ${place}`);
  const isDirectory = statSync(place).isDirectory();
  const from = isDirectory ? place : place.slice(0, place.lastIndexOf("/")) || "/";
  const options = ["--line-number", "--with-filename", "--null"];
  if (ignoreCase) options.push("--ignore-case");
  if (literal) options.push("--fixed-strings");
  if (glob) options.push("--glob", glob);
  if (context > 0) options.push("--context", String(Math.trunc(context)));
  const lines = [];
  let matches = 0;
  let shortened = false;
  await rg([...options, "--", pattern, ...(isDirectory ? [] : [place])], from, signal, (line) => {
    const [, name, number, sign, found] = FOUND.exec(line) ?? [];
    if (!name) return true; // "--" between groups
    if (sign === ":" && ++matches > limit) return false;
    const { text: shown, wasTruncated } = truncateLine(found.replaceAll("\r", ""));
    shortened ||= wasTruncated;
    lines.push(`${name.replace(/^\.\//, "").slice(isDirectory ? 0 : name.lastIndexOf("/") + 1)}${sign}${number}${sign} ${shown}`);
    return true;
  });
  if (!matches) return { content: [{ type: "text", text: "No matches found" }], details: undefined };
  const notices = [];
  if (matches > limit) notices.push(`${limit} matches limit reached. Use limit=${limit * 2} for more, or refine pattern`);
  if (shortened) notices.push("Some lines truncated to 500 chars. Use read tool to see full lines");
  return text(lines, notices);
}

/** The files whose path matches. A pattern with a slash is one of paths below the place, another one of names. */
async function glob(pattern, place, { limit }) {
  const found = [];
  const wanted = pattern.includes("/") && !pattern.startsWith("/") && !pattern.startsWith("**/") ? `**/${pattern}` : pattern;
  await rg(["--files", "--glob", wanted, "--glob", "!.git"], place, undefined, (line) => {
    found.push(`${place}/${line.replace(/^\.\//, "")}`);
    return found.length < limit;
  });
  return found;
}

export function searchTools(cwd) {
  return [
    { ...createGrepToolDefinition(cwd), execute: (_id, args, signal) => grep(cwd, args, signal) },
    createFindToolDefinition(cwd, { operations: { exists: (path) => existsSync(path), glob } }),
  ];
}
