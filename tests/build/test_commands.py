"""How the commands of VMs are built: sources that are known by their hashes, and makefiles without a configure run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.build.conftest import ROOT, module

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = sorted((ROOT / "commands").glob("*/command.toml"))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module, with a cache of its own and no apt."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORPOR_SOURCES", raising=False)
    monkeypatch.setattr(module("sources"), "_mirror", lambda: None)
    return module("commands")


@pytest.fixture
def building(commands: Any) -> Any:
    """The module that builds one of them, in the same place."""
    return module("command")


def archive_of(files: dict[str, str], path: Path) -> str:
    """Write a release with these files; its SHA-256."""
    with tarfile.open(path, "w:gz") as file:
        for name, text in files.items():
            info = tarfile.TarInfo(f"small-1.0/{name}")
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def manifest_of(folder: Path, digest: str, more: str = "") -> Path:
    folder.mkdir()
    (folder / "command.toml").write_text(
        f"""
summary = "Says yes"
version = "1.0"
licence = "0BSD"
licence_file = "LICENCE"
[source]
package = "small"
archive = "small_1.0.orig.tar.gz"
sha256 = "{digest}"
[build]
{more}
[programs.small]
target = "small"
names = ["small", "little"]
"""
    )
    return folder / "command.toml"


@pytest.mark.parametrize("path", COMMANDS, ids=[path.parent.name for path in COMMANDS])
def test_each_command_says_what_it_is_made_of(building: Any, path: Path) -> None:
    command = building.read_command(path)
    for archive in building.archives_of([command]):
        assert len(archive.sha256) == 64
    if command.archive:
        assert command.archive.name.startswith(f"{command.archive.package}_{command.version}")
    else:
        assert all((command.own_source / name).is_file() for name in command.licence_files)
    assert all([command.licence, *(part.licence for part in command.parts)])
    assert all(program.names for program in command.programs)


def test_no_name_is_given_twice(building: Any) -> None:
    names = [name for one in building.read_commands() for program in one.programs for name in program.names]
    assert len(names) == len(set(names))


def test_a_source_is_taken_from_the_folder_that_is_named(
    building: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").mkdir()
    digest = archive_of({"small.c": "old", "LICENCE": ""}, tmp_path / "given" / "small_1.0.orig.tar.gz")
    monkeypatch.setenv("TORPOR_SOURCES", str(tmp_path / "given"))
    patch = 'patches = [["small.c", "old", "new"]]'
    source = building.unpack(building.read_command(manifest_of(tmp_path / "small", digest, patch)), tmp_path)
    assert (source / "small.c").read_text() == "new"
    other = manifest_of(tmp_path / "other", digest, 'patches = [["small.c", "absent", "new"]]')
    with pytest.raises(Exception, match="has not got the text"):
        building.unpack(building.read_command(other), tmp_path / "again")


def test_a_part_lies_in_the_source_and_is_among_the_archives(
    building: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "given").mkdir()
    digest = archive_of({"small.c": "", "LICENCE": ""}, tmp_path / "given" / "small_1.0.orig.tar.gz")
    inner = archive_of({"inner.c": "old", "COPYING": ""}, tmp_path / "given" / "inner_2.orig.tar.gz")
    monkeypatch.setenv("TORPOR_SOURCES", str(tmp_path / "given"))
    path = manifest_of(tmp_path / "small", digest, 'patches = [["lib/inner/inner.c", "old", "new"]]')
    with path.open("a") as file:
        file.write(
            f"""
[[parts]]
folder = "lib/inner"
version = "2"
licence = "MIT"
licence_file = "COPYING"
package = "inner"
archive = "inner_2.orig.tar.gz"
sha256 = "{inner}"
"""
        )
    command = building.read_command(path)
    source = building.unpack(command, tmp_path)
    assert (source / "lib" / "inner" / "inner.c").read_text() == "new"
    assert [one.sha256 for one in building.archives_of([command, command])] == [digest, inner]


def test_a_source_with_another_hash_is_not_used(
    building: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "given").mkdir()
    archive_of({"small.c": "forged"}, tmp_path / "given" / "small_1.0.orig.tar.gz")
    monkeypatch.setenv("TORPOR_SOURCES", str(tmp_path / "given"))
    command = building.read_command(manifest_of(tmp_path / "small", "0" * 64))
    with pytest.raises(Exception, match=f"TORPOR_SOURCES:\n    {'0' * 64}  small_1.0.orig.tar.gz"):
        building.unpack(command, tmp_path)
    assert "it is not used" in capsys.readouterr().out


def test_without_sources_the_rest_can_be_had(
    commands: Any, building: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest_of(tmp_path / "small", "0" * 64)
    monkeypatch.setattr(building, "FOLDER", tmp_path)
    monkeypatch.setattr(commands, "DIST", tmp_path / "dist")
    assert commands.main([]) == 1
    assert commands.main(["--if-possible"]) == 0
    assert "VMs go without small for now" in capsys.readouterr().err
    assert commands.main(["absent"]) == 1


def test_the_cache_forgets_what_no_build_has_used(commands: Any) -> None:
    cache = module("sources").cache_folder() / "commands"
    for name, when in (("old", 1_000), ("new", 2_000)):
        (cache / name / "small-1.0").mkdir(parents=True)
        os.utime(cache / name, (when, when))
    commands.forget_unused(1_500)
    assert [path.name for path in cache.iterdir()] == ["new"]


def test_data_files_are_written_one_after_another_with_an_index(tmp_path: Path) -> None:
    data_files = module("data_files")
    (tmp_path / "library" / "inner").mkdir(parents=True)
    (tmp_path / "library" / "inner" / "b").write_text("second")
    (tmp_path / "library" / "a").write_text("first ")
    (tmp_path / "script").write_text(" third")
    (tmp_path / "script").chmod(0o755)
    data_files.write_data({"/usr/lib/it": tmp_path / "library", "/usr/zzz": tmp_path / "script"}, tmp_path)
    assert (tmp_path / data_files.DATA).read_text() == "first second third"
    index = json.loads((tmp_path / data_files.INDEX).read_text())
    modes = [(path, size, oct(mode)) for path, (size, mode, _) in index.items()]
    assert modes == [("/usr/lib/it/a", 6, "0o644"), ("/usr/lib/it/inner/b", 6, "0o644"), ("/usr/zzz", 6, "0o755")]
    assert index["/usr/zzz"][2] == hashlib.sha256(b" third").hexdigest()
    (tmp_path / "none").mkdir()
    with pytest.raises(Exception, match="/usr/none: there is nothing in"):
        data_files.write_data({"/usr/none": tmp_path / "none"}, tmp_path)


def test_makefiles_and_headers_are_made_of_facts(tmp_path: Path) -> None:
    facts = module("facts")
    source, build = tmp_path / "source", tmp_path / "build"
    source.mkdir()
    build.mkdir()
    (source / "config.hin").write_text("#undef HAVE_IT\n# undef ABSENT\n#undef VALUE\n")
    (source / "Makefile.in").write_text("CC = @CC@\nX = @FOUND@@NOTHING@ @unknown@\nS = @srcdir@\nMAKEINFO = m\n")
    found = facts.Facts(
        ("config.h:config.hin",), ("Makefile",), {"HAVE_IT": "1", "VALUE": '"v"'}, {"FOUND": "f"}, ("NOTHING",)
    )
    found.write(tmp_path / "facts.json")
    facts.apply(facts.Facts.read(tmp_path / "facts.json"), source, build, facts.Tools("cc", "ar", "libtool"))
    assert (build / "config.h").read_text() == '#define HAVE_IT 1\n/* not ABSENT */\n#define VALUE "v"\n'
    assert (build / "Makefile").read_text() == f"CC = cc\nX = f @unknown@\nS = {source}\nMAKEINFO = :\n"


def test_facts_are_read_from_what_configure_leaves(tmp_path: Path) -> None:
    facts = module("facts")
    status = tmp_path / "config.status"
    status.write_text(
        'config_files=" Makefile doc/x.texi"\nconfig_headers=" config.h:config.hin"\n'
        'S["PATH_HERE"]="' + str(tmp_path) + '/bin"\nS["CC"]="cc"\nS["EMPTY"]=""\nS["LONG"]="a"\\\n"b"\n'
        'D["HAVE_IT"]=" 1"\nD["TEXT"]=" \\"quoted\\""\n'
    )
    found = facts.found_by(status, tmp_path)
    assert (found.headers, found.makefiles) == (("config.h:config.hin",), ("Makefile",))
    assert found.variables == {"LONG": "ab"}
    assert found.empty == ("EMPTY",)
    assert found.defines == {"HAVE_IT": "1", "TEXT": '"quoted"'}


@pytest.mark.slow
def test_the_compiler_of_makefiles_compiles_and_links(building: Any, tmp_path: Path) -> None:
    command = building.read_command(manifest_of(tmp_path / "small", "0" * 64, 'flags = ["-DANSWER=42"]'))
    tools = building.write_tools(command, tmp_path / "tools")
    (tmp_path / "main.c").write_text("int answer(void); int main(void) { return answer(); }\n")
    (tmp_path / "answer.c").write_text("int answer(void) { return ANSWER; }\n")
    for words in (
        [tools.compiler, "-c", "answer.c", "-o", "answer.o"],
        [tools.archiver, "rc", "libanswer.a", "answer.o"],
        [tools.compiler, "main.c", "-L.", "-lanswer", "-lm", "-o", "linked"],
        [tools.libtool, "--tag=CC", "--mode=compile", tools.compiler, "-c", "answer.c", "-o", "answer.lo"],
        [tools.libtool, "--mode=link", tools.compiler, "-version-info", "1:2", "-o", "it.la", "answer.lo", "-lm"],
        [tools.libtool, "--mode=link", tools.compiler, "main.c", "it.la", "-o", "linked by it"],
    ):
        subprocess.run(words, cwd=tmp_path, check=True)
    for linked in ("linked", "linked by it"):
        assert (tmp_path / linked).read_bytes().startswith(b"\0asm\1\0\0\0")
