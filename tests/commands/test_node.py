"""node in a VM: what it prints, as the machine's Node.js does, and what that does not have."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.commands import scripts
from tests.commands.built import LONGEST_MS, needs
from tests.system.daemon import fresh_name

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.daemon import Vm

# The first whose `require` takes ES modules, and which knows a module by its text: as the Node.js does that VMs have.
OLDEST = (20, 19)

pytestmark = needs("node", "bash", "coreutils")


def version_here() -> tuple[int, ...]:
    """Of the machine's Node.js; without one, none."""
    node = shutil.which("node", path=os.defpath)
    if node is None:
        return ()
    told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return tuple(int(part) for part in told.strip().lstrip("v").split("."))


def run(vm: Vm, script: str, folder: str | None = None) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a script in a new folder of the VM."""
    path = folder or f"/home/user/{fresh_name('node')}"
    vm.call("mkdir", path=path, recursive=True)
    done = vm.call("exec", argv=["bash", "-c", script], cwd=path, timeoutMs=LONGEST_MS)
    return done["exitCode"], done["stdout"], done["stderr"]


@pytest.mark.skipif(version_here() < OLDEST, reason="there is no Node.js to compare with")
@pytest.mark.parametrize("script", scripts.read("node.txt"))
def test_a_script_does_in_a_vm_what_it_does_on_this_machine(vm: Vm, script: str, tmp_path: Path) -> None:
    folder = f"/home/user/{fresh_name('node')}"
    wanted, said = scripts.on_this_machine(script, tmp_path)
    code, out, err = run(vm, script, folder)
    assert (code, out) == (wanted, said.replace(str(tmp_path), folder)), err


ERROR = """\
/home/user/thrown/source.js:2
  throw new TypeError("boom");
        ^

TypeError: boom
    at f (/home/user/thrown/source.js:2:9)
    at /home/user/thrown/source.js:4:1

Node.js v22.19.0
"""
REJECTED = """\
/home/user/thrown/r.mjs:2
export const later = async () => { await null; throw new Error("late"); };
                                                     ^

Error: late
    at later (/home/user/thrown/r.mjs:2:54)
    at async /home/user/thrown/r.mjs:3:1

Node.js v22.19.0
"""


def test_an_error_is_told_with_its_place(vm: Vm) -> None:
    files = {
        # As the component's own module is called, of which no call is told.
        "source.js": 'function f() {\n  throw new TypeError("boom");\n}\nf();\n',
        "r.mjs": 'import "node:fs";\nexport const later = async () => { await null; throw new Error("late"); };\nlater();\n',
        "s.mjs": "let a;\nlet b = ;\n",
    }
    for name, text in files.items():
        vm.call("writeFile", path=f"/home/user/thrown/{name}", content=text)
    assert run(vm, "node source.js", "/home/user/thrown") == (1, "", ERROR)
    assert run(vm, "node r.mjs", "/home/user/thrown") == (1, "", REJECTED)
    place = "/home/user/thrown/s.mjs:2\nlet b = ;\n        ^\n\nSyntaxError: Unexpected token\n\nNode.js v22.19.0\n"
    assert run(vm, "node s.mjs", "/home/user/thrown") == (1, "", place)


TYPED = """\
import type { Never } from "./never.ts";
import { type Shape, value } from "./b.ts";
interface Point<T> { x: T; y?: T }
enum Color { Red, Green = 5 }
class A<T extends object> implements Point<number> {
  constructor(public x: number, private readonly z: string = "z") {}
  get<K>(k: K): K | undefined { return k as unknown as K; }
}
const same = <T,>(x: T): x is T => true;
function over(a: string): void;
function over(a: any) { console.log("over", a); }
over("x");
console.log(new A(1).x, Color.Green, same(1), value!, value satisfies number, new A(2).get("k"));
export type { Never };
throw new Error("line 15");
"""


def test_typescript_runs_without_its_types(vm: Vm) -> None:
    vm.call("writeFile", path="/home/user/typed/a.ts", content=TYPED)
    vm.call(
        "writeFile",
        path="/home/user/typed/b.ts",
        content="export interface Shape {}\nexport const value: number = 7;\n",
    )
    vm.call(
        "writeFile", path="/home/user/typed/c.cts", content="module.exports = 1 as any; console.log(typeof require);\n"
    )
    vm.call("writeFile", path="/home/user/typed/bad.mts", content="\nlet x: = 5;\n")
    code, out, err = run(vm, "node a.ts", "/home/user/typed")
    assert (code, out) == (1, "over x\n1 5 true 7 7 k\n"), err
    assert "    at /home/user/typed/a.ts:15:7\n" in err
    assert run(vm, "node c.cts", "/home/user/typed") == (0, "function\n", "")
    code, _, err = run(vm, "node bad.mts", "/home/user/typed")
    assert (code, err.splitlines()[:2]) == (1, ["/home/user/typed/bad.mts:2", "let x: = 5;"])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("node --version; node -v", (0, "v22.19.0\nv22.19.0\n", "")),
        ("node --help | head -n 1", (0, "Usage: node [options] [script.js] [arguments]\n", "")),
        ("node --bogus", (9, "", "node: bad option: --bogus\n")),
        ("node -i", (9, "", "node: bad option: -i\n")),
        ("node -e", (9, "", "node: -e requires an argument\n")),
        ("NODE_OPTIONS=--check node -p 1", (9, "", "node: bad option: --check\n")),
        ("node --max-old-space-size=4096 --no-warnings --enable-source-maps -p 1", (0, "1\n", "")),
        ("node -p 'process.platform + process.execPath + process.title'", (0, "linux/usr/bin/nodenode\n", "")),
        ("node -p 'import(\"node:fs\")' --", (0, "Promise { <pending> }\n", "")),
        (
            "node --input-type=module -e 'import { b } from \"data:text/javascript,export const b = 5\"; console.log(b)'",
            (0, "5\n", ""),
        ),
        ("node --input-type=module-typescript -e 'const x: number = await 1; console.log(x)'", (0, "1\n", "")),
        (
            "node -e 'require(\"child_process\").fork'; node -e 'require(\"dgram\").createSocket' && echo known",
            (0, "known\n", ""),
        ),
        (
            "mkdir bin; printf '#!/usr/bin/env node\\nconsole.log(\"run\")' > bin/x; chmod +x bin/x; PATH=$PWD/bin:$PATH x",
            (0, "run\n", ""),
        ),
    ],
)
def test_a_line(vm: Vm, line: str, expected: tuple[int, str, str]) -> None:
    assert run(vm, line) == expected
