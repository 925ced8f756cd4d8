// fs, fs/promises, path, url

import assert from "node:assert/strict";
import fs from "node:fs";
import fsp from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, parse, pathToFileURL } from "node:url";
import { promisify } from "node:util";

export function test_fs() {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const at = (...names) => path.join(folder, ...names);
  fs.writeFileSync(at("a"), "zwölf");
  fs.appendFileSync(at("a"), Buffer.from("!"));
  assert.equal(fs.readFileSync(at("a"), "utf8"), "zwölf!");
  assert.equal(fs.readFileSync(pathToFileURL(at("a"))).length, 7);
  assert.throws(() => fs.writeFileSync(at("a"), "", { flag: "wx" }), { code: "EEXIST" });
  assert.throws(() => fs.writeFileSync(at("a"), undefined), { code: "ERR_INVALID_ARG_TYPE" });
  assert.equal(fs.readFileSync(at("a")).length, 7);
  assert.throws(() => fs.readFileSync(at("none")), { code: "ENOENT", errno: -2, syscall: "open", path: at("none"), message: `ENOENT: no such file or directory, open '${at("none")}'` });
  assert.throws(() => fs.readFileSync(folder), { code: "EISDIR" });
  assert.throws(() => fs.readFileSync("a\0b"), { code: "ERR_INVALID_ARG_VALUE" });

  assert.equal(fs.mkdirSync(at("b/c/d"), { recursive: true }), at("b"));
  assert.equal(fs.mkdirSync(at("b/c/d"), { recursive: true }), undefined);
  assert.throws(() => fs.mkdirSync(at("b")), { code: "EEXIST" });
  fs.writeFileSync(at("b/c/e"), "x".repeat(600_000));
  assert.equal(fs.readFileSync(at("b/c/e")).length, 600_000);
  assert.deepEqual(fs.readdirSync(folder), ["a", "b"]);
  assert.deepEqual(fs.readdirSync(folder, { recursive: true }), ["a", "b", "b/c", "b/c/d", "b/c/e"]);
  const [first, second] = fs.readdirSync(folder, { withFileTypes: true });
  assert.ok(first.isFile() && second.isDirectory() && second.parentPath === folder);

  const stats = fs.statSync(at("b/c/e"));
  assert.ok(stats.isFile() && stats.size === 600_000 && Math.abs(stats.mtimeMs - Date.now()) < 60_000 && stats.mtime instanceof Date);
  assert.equal(stats.mode & fs.constants.S_IFMT, fs.constants.S_IFREG);
  assert.equal(typeof fs.statSync(folder, { bigint: true }).mtimeNs, "bigint");
  assert.notEqual(fs.statSync(at("a")).ino, stats.ino);
  assert.equal(fs.statSync(at("none"), { throwIfNoEntry: false }), undefined);
  fs.utimesSync(at("a"), 1, new Date(2500));
  assert.equal(fs.statSync(at("a")).mtimeMs, 2500);
  assert.ok(fs.existsSync(at("a")) && !fs.existsSync(at("none")));
  assert.throws(() => fs.accessSync(at("none")), { code: "ENOENT", syscall: "access" });

  fs.symlinkSync("b/c", at("link"));
  assert.equal(fs.readlinkSync(at("link")), "b/c");
  assert.ok(fs.lstatSync(at("link")).isSymbolicLink() && fs.statSync(at("link")).isDirectory());
  assert.equal(fs.realpathSync(at("link/e")), at("b/c/e"));
  fs.symlinkSync("loop", at("loop"));
  assert.throws(() => fs.realpathSync(at("loop")), { code: "ELOOP" });

  fs.renameSync(at("a"), at("f"));
  fs.copyFileSync(at("f"), at("g"));
  assert.throws(() => fs.copyFileSync(at("f"), at("g"), fs.constants.COPYFILE_EXCL), { code: "EEXIST" });
  fs.linkSync(at("g"), at("h"));
  assert.equal(fs.statSync(at("h")).nlink, 2);
  fs.truncateSync(at("h"), 2);
  assert.equal(fs.readFileSync(at("g"), "latin1"), "zw");
  assert.throws(() => fs.cpSync(at("b"), at("b/c/copy"), { recursive: true }), { code: "ERR_FS_CP_EINVAL" });
  fs.cpSync(at("b"), at("copy"), { recursive: true });
  assert.deepEqual(fs.readdirSync(at("copy"), { recursive: true }), ["c", "c/d", "c/e"]);
  fs.unlinkSync(at("h"));
  assert.throws(() => fs.rmdirSync(at("b")), { code: "ENOTEMPTY" });
  assert.throws(() => fs.rmSync(at("none")), { code: "ENOENT" });
  fs.rmSync(at("none"), { force: true });

  process.chdir(folder);
  assert.equal(fs.readFileSync("f", "utf8"), "zwölf!");
  process.chdir("/");
  fs.rmSync(folder, { recursive: true });
  assert.ok(!fs.existsSync(folder));
}

export async function test_fs_descriptors() {
  const file = "/tmp/descriptors";
  const fd = fs.openSync(file, "w+");
  assert.equal(fs.writeSync(fd, "hello"), 5);
  assert.equal(fs.writeSync(fd, Buffer.from("xHELLO"), 1, 5), 5);
  assert.equal(fs.writeSync(fd, "J", 0), 1);
  const bytes = Buffer.alloc(20);
  assert.equal(fs.readSync(fd, bytes, 0, 20, 0), 10);
  assert.equal(bytes.toString("utf8", 0, 10), "JelloHELLO");
  assert.equal(fs.fstatSync(fd).size, 10);
  fs.ftruncateSync(fd, 3);
  fs.fsyncSync(fd);
  assert.equal(await promisify(fs.read)(fd, bytes, 0, 20, 1), 2);
  fs.closeSync(fd);
  assert.throws(() => fs.closeSync(fd), { code: "EBADF" });
  assert.throws(() => fs.readSync(fs.openSync(file), bytes, 15, 10), { code: "ERR_OUT_OF_RANGE" });
  const added = fs.openSync(file, "a");
  fs.writeSync(added, "!");
  fs.writeSync(added, "?");
  fs.closeSync(added);
  assert.equal(fs.readFileSync(file, "utf8"), "Jel!?");
  assert.equal(await new Promise((resolve) => fs.readFile(file, "utf8", (error, text) => resolve(text))), "Jel!?");
  const failure = await new Promise((resolve) => fs.stat("/none", resolve));
  assert.equal(failure.code, "ENOENT");
  assert.throws(() => fs.watch(file), /does not exist in a guest/);
}

export async function test_fs_promises() {
  assert.equal(fs.promises, fsp);
  const folder = await fsp.mkdtemp("/tmp/promises-");
  const file = path.join(folder, "a");
  await fsp.writeFile(file, (async function* () { yield "one "; yield "two"; })());
  assert.equal(await fsp.readFile(file, { encoding: "utf8" }), "one two");
  await assert.rejects(fsp.readFile(`${file}/b`), { code: "ENOTDIR" });
  const handle = await fsp.open(file, "r+");
  assert.equal((await handle.read(Buffer.alloc(3), 0, 3)).buffer.toString(), "one");
  assert.equal((await handle.stat()).size, 7);
  await handle.write("TWO", 4);
  await handle.close();
  assert.equal(await fsp.readFile(file, "utf8"), "one TWO");
  const names = [];
  for await (const entry of await fsp.opendir(folder)) names.push(entry.name);
  assert.deepEqual(names, ["a"]);
  await fsp.rm(folder, { recursive: true });
}

export async function test_fs_streams() {
  const file = "/tmp/streams";
  const out = fs.createWriteStream(file);
  for (let line = 0; line < 20_000; line++) out.write(`line ${line}\n`);
  await new Promise((resolve) => out.end(resolve));
  let size = 0;
  for await (const chunk of fs.createReadStream(file)) size += chunk.length;
  assert.equal(size, fs.statSync(file).size);
  let text = "";
  for await (const chunk of fs.createReadStream(file, { encoding: "utf8", start: 5, end: 11 })) text += chunk;
  assert.equal(text, "0\nline ");
  const failure = await new Promise((resolve) => fs.createReadStream("/none").on("error", resolve));
  assert.equal(failure.code, "ENOENT");
  const unwritten = fs.createWriteStream("/none/x");
  const refused = new Promise((resolve) => unwritten.on("error", resolve));
  unwritten.write("a");
  assert.equal((await refused).code, "ENOENT");
  for (let turns = 0; turns < 8; turns++) {
    const ordered = fs.createWriteStream(file);
    ordered.write("one ");
    for (let turn = 0; turn < turns; turn++) await undefined; // as what comes from elsewhere may be written at any turn
    ordered.write("two");
    await new Promise((resolve) => ordered.end(resolve));
    assert.equal(fs.readFileSync(file, "utf8"), "one two");
  }
}

export function test_packed_files() {
  assert.equal(JSON.parse(fs.readFileSync("/usr/lib/agent/package.json", "utf8")).name, "packed");
  assert.deepEqual(fs.readdirSync("/usr/lib/agent"), ["package.json"]);
  assert.ok(fs.statSync("/usr/lib/agent").isDirectory() && fs.existsSync("/usr/lib/agent/package.json"));
  assert.throws(() => fs.readFileSync("/usr/lib/agent/none"), { code: "ENOENT" });
}

export function test_path() {
  assert.equal(path.join("/a", "..", "b", "c.tar.gz"), "/b/c.tar.gz");
  assert.equal(path.basename("a\\b/c\\d"), "c\\d");
  assert.equal(path.relative("/a/b/c", "/a/d"), "../../d");
  assert.deepEqual(path.parse("/x/y.txt"), { root: "/", dir: "/x", base: "y.txt", ext: ".txt", name: "y" });
  process.chdir("/tmp");
  assert.equal(path.resolve("a"), "/tmp/a");
  assert.deepEqual(["", "a", ".a", "a/", "a//b", "./a", "/a/./b", "/a/..", "/..a/b."].map(path.normalize), [".", "a", ".a", "a/", "a/b", "a", "/a/b", "/", "/..a/b."]);
  assert.deepEqual([path.join("/a", "", ".b"), path.join("/a", "/b/"), path.join("", "")], ["/a/.b", "/a/b/", "."]);
  assert.deepEqual([path.resolve("/a/", ""), path.resolve("/a", "/b/.c"), path.resolve("/a", "../b")], ["/a", "/b/.c", "/b"]);
  for (const use of [path.join, path.resolve, path.normalize]) assert.throws(() => use(5), TypeError);
  assert.equal(path.posix.sep, path.sep);
}

export function test_url() {
  assert.equal(fileURLToPath("file:///a%20b/%C3%A4"), "/a b/ä");
  assert.equal(pathToFileURL("/a b/ä#?%").href, "file:///a%20b/%C3%A4%23%3F%25");
  assert.throws(() => fileURLToPath("http://x/"), { code: "ERR_INVALID_URL_SCHEME" });
  assert.equal(parse("http://user@host:8080/p?q=1#h").port, "8080");
}
