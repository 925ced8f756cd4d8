"""npm and npx in a VM, against a registry on the loopback interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.commands.built import LONGEST_MS, needs
from tests.commands.registry import npm_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.commands.registry import Registry
    from tests.system.daemon import Vm

pytestmark = needs("node", "bash", "coreutils")

PROJECT = "/home/user/project"


@pytest.fixture
def registry() -> Iterator[Registry]:
    """One with `upper`, which needs another `text` than its user does, and a program."""
    with npm_registry() as registry:
        registry.publish("text", "1.0.0", {"index.js": "exports.version = 1;"})
        registry.publish("text", "2.0.0", {"index.js": "exports.version = 2;"})
        files = {
            "index.js": "module.exports = (text) => text.toUpperCase() + require('text').version;",
            "cli.js": "#!/usr/bin/env node\nconsole.log(require('./index.js')(process.argv[2]));",
        }
        more = {"bin": {"upper": "cli.js"}, "scripts": {"postinstall": "touch /home/user/ran"}}
        registry.publish("@tests/upper", "1.2.3", files, dependencies={"text": "^1.0.0"}, **more)
        yield registry


class Project:
    """A folder of a VM with a package.json."""

    def __init__(self, vm: Vm, registry: Registry) -> None:
        self._vm = vm
        vm.call("writeFile", path="/home/user/.npmrc", content=f"registry={registry.url}\nfetch-retries=0\n")
        self.write("package.json", json.dumps({"scripts": {"pretest": "false", "test": "node use.js"}}))

    def write(self, path: str, text: str) -> None:
        """A file of it."""
        self._vm.call("writeFile", path=f"{PROJECT}/{path}", content=text)

    def read(self, path: str) -> str:
        """As much."""
        text: str = self._vm.call("readFile", path=f"{PROJECT}/{path}")["content"]
        return text

    def run(self, script: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of a line of shell there."""
        done = self._vm.call("exec", argv=["bash", "-c", script], cwd=PROJECT, timeoutMs=LONGEST_MS)
        return done["exitCode"], done["stdout"], done["stderr"]


@pytest.fixture
def project(make_vm: Callable[..., Vm], registry: Registry) -> Project:
    """One of a VM that reaches the registry."""
    return Project(make_vm(network={"allow": [registry.host]}), registry)


def test_packages_are_installed_where_node_looks_for_them(project: Project, registry: Registry) -> None:
    code, out, err = project.run("npm install @tests/upper text@2")
    assert (code, "added 3 packages" in out) == (0, True), err
    assert json.loads(project.read("package.json"))["dependencies"] == {"@tests/upper": "^1.2.3", "text": "^2.0.0"}
    lock = json.loads(project.read("package-lock.json"))["packages"]
    nested = "node_modules/@tests/upper/node_modules/text"
    assert [path for path in lock if path] == ["node_modules/@tests/upper", nested, "node_modules/text"]
    project.write("use.js", "console.log(require('@tests/upper')('a'), require('text').version);")
    assert project.run("node use.js")[1] == "A1 2\n"
    assert project.run("npm test --silent")[:2] == (0, "A1 2\n"), "only the script itself is run"
    assert project.run("test -e /home/user/ran")[0] == 1, "scripts of packages are not run"
    registry.publish("text", "2.1.0", {"index.js": "exports.version = 2.1;"})
    assert project.run("rm -r node_modules; npm ci; node use.js")[1].splitlines()[-1] == "A1 2"
    assert project.run("npm uninstall @tests/upper; npm ls")[1].splitlines()[-2:] == ["└── text@2.0.0", ""]


def test_programs_of_packages_are_run(project: Project) -> None:
    code, out, err = project.run("npx --yes @tests/upper b")
    assert (code, out) == (0, "B1\n"), err
    assert project.run("npm install --silent -g @tests/upper; upper c; npm ls -g")[1].splitlines()[0] == "C1"


def test_what_has_to_be_compiled_is_refused_by_its_name(project: Project, registry: Registry) -> None:
    registry.publish("fast", "1.0.0", {"binding.gyp": "{}", "index.js": ""})
    registry.publish("either", "1.0.0", {"index.js": ""}, optionalDependencies={"fast": "*"})
    code, _, err = project.run("npm install fast")
    assert (code, "fast@1.0.0 is a native addon, which a VM cannot load" in err) == (1, True), err
    code, out, err = project.run("npm install either; ls node_modules")
    assert (code, out.splitlines()[-1]) == (0, "either"), err


def test_a_registry_that_is_not_granted_is_told(make_vm: Callable[..., Vm], registry: Registry) -> None:
    code, _, err = Project(make_vm(), registry).run("npm install text")
    assert (code, "network.allow of the VM does not name this host" in err) == (1, True), err


def test_an_archive_that_is_another_is_refused(project: Project, registry: Registry) -> None:
    registry.publish("evil", "1.0.0", {"index.js": ""})
    registry.archives["evil/-/evil-1.0.0.tgz"] = registry.archives["text/-/text-1.0.0.tgz"]
    code, _, err = project.run("npm install evil")
    assert (code, "EINTEGRITY" in err) == (1, True), err
