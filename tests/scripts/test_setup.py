"""The set-up behind scripts/test and scripts/demo: what it takes for good, and what it says when it can't go on."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "scripts" / "setup"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> object:
    """Imports a module of scripts/setup."""
    monkeypatch.syspath_prepend(str(SETUP))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for path in SETUP.glob("*.py"):
        sys.modules.pop(path.stem, None)


def program(path: Path, *lines: str) -> Path:
    """A shell script that stands in for a program of the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n", "utf-8")
    path.chmod(0o755)
    return path


def java(home: Path, version: str, *, says_home: Path | None = None) -> Path:
    lines = [f"    java.home = {says_home or home}", f"    java.specification.version = {version}"]
    return program(home / "bin" / "java", *(f"echo '{line}' >&2" for line in lines))


def test_java_home_wins_over_the_path_and_the_path_over_the_system(load, tmp_path: Path) -> None:
    for name, version in (("mine", "21"), ("path", "17"), ("system/a", "25")):
        java(tmp_path / name, version)
    find_java = load("java").find_java
    mine, path, system = tmp_path / "mine", tmp_path / "path", tmp_path / "system"
    both = {"JAVA_HOME": str(mine), "PATH": str(path / "bin")}
    assert find_java(both, system)[0].home == mine
    assert find_java({"PATH": str(path / "bin")}, system)[0].home == path
    assert find_java({"PATH": str(tmp_path)}, system)[0].home == system / "a"


def test_a_java_that_is_too_old_or_broken_is_passed_over(load, tmp_path: Path) -> None:
    java(tmp_path / "eleven", "11")
    java(tmp_path / "eight", "1.8", says_home=tmp_path / "eight" / "jre")
    program(tmp_path / "system" / "broken" / "bin" / "java", "exit 1")
    java(tmp_path / "system" / "good", "17")
    environ = {"JAVA_HOME": str(tmp_path / "eleven"), "PATH": str(tmp_path / "eight" / "bin")}
    found, too_old = load("java").find_java(environ, tmp_path / "system")
    assert found.home == tmp_path / "system" / "good"
    assert [(old.home, old.version) for old in too_old] == [(tmp_path / "eleven", 11), (tmp_path / "eight", 8)]


def test_no_java_is_told_apart_from_an_old_one(load, tmp_path: Path) -> None:
    find_java = load("java").find_java
    assert find_java({"PATH": str(tmp_path)}, tmp_path) == (None, ())
    java(tmp_path / "old", "11")
    assert [old.version for old in find_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": ""}, tmp_path / "no")[1]] == [
        11
    ]


def test_what_is_missing_is_said_in_one_line_with_its_cure(load) -> None:
    debian = load("debian")
    needs = [debian.Need("Maven", ("maven",)), debian.Need("Java 17 or newer", ("openjdk-17-jre-headless", "other"))]
    line = debian.how_to_install(needs)
    assert "\n" not in line
    assert "Maven, Java 17 or newer" in line
    assert line.endswith("apt-get install -y maven openjdk-17-jre-headless")


def test_without_root_nothing_is_installed(load, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = load("debian")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    with pytest.raises(load("report").Refusal, match="apt-get install -y maven"):
        debian.install([debian.Need("Maven", ("maven",))])


def test_a_server_that_can_not_be_installed_is_no_reason_not_to_test(
    load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    debian, servers = load("debian"), load("servers")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(servers, "_missing", lambda: iter([debian.Need("the PostgreSQL server", ("postgresql",))]))
    servers.install_servers()
    told = capsys.readouterr().err
    assert "tests that need it will be skipped: missing: the PostgreSQL server" in told
    assert "apt-get install -y postgresql" in told


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for Maven: writes one jar, unless a file named `broken` is beside it."""
    folder = tmp_path / "maven"
    program(
        folder / "mvn",
        f'[ -e "{folder}/broken" ] && exit 1',
        'for word in "$@"; do case $word in -DoutputDirectory=*) out=${word#*=};; esac; done',
        'mkdir -p "$out" && echo jar > "$out/one.jar"',
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_jars_are_current_until_the_pom_or_a_jar_changes(load, maven: Path, tmp_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>", "utf-8")
    jars = load("jars").Jars(pom, tmp_path / "with space" / "jars", tmp_path / "m2")
    assert not jars.current
    jars.fill(tmp_path)
    assert jars.current
    (jars.folder / "one.jar").write_text("", "utf-8")
    assert not jars.current
    jars.fill(tmp_path)
    pom.write_text("<project>2</project>", "utf-8")
    assert not jars.current


def test_jars_that_cannot_be_fetched_leave_the_old_ones_in_place(load, maven: Path, tmp_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>", "utf-8")
    jars = load("jars").Jars(pom, tmp_path / "cache" / "jars", tmp_path / "m2")
    jars.fill(tmp_path)
    (maven / "broken").touch()
    with pytest.raises(load("report").Refusal, match="Maven could not fetch"):
        jars.fill(tmp_path)
    assert jars.current
    assert [entry.name for entry in jars.folder.parent.iterdir()] == ["jars"]


@pytest.fixture
def environment(load, tmp_path: Path) -> object:
    """An environment that is complete, though nothing was installed into it."""
    for name in ("setup.cfg", "constraints.txt"):
        (tmp_path / name).touch()
    made = load("environment").Environment(tmp_path / "venv", [tmp_path / "setup.cfg"], tmp_path / "constraints.txt")
    made.pip = lambda *arguments: None
    made.make("dev", [])
    return made


def test_an_environment_is_current_until_its_inputs_change(environment, tmp_path: Path) -> None:
    assert environment.current("dev", ["pip"])
    assert not environment.current("demo", ["pip"])
    assert not environment.current("dev", ["pip", "a_module_that_is_not_there"])
    (tmp_path / "constraints.txt").write_text("pip==1\n", "utf-8")
    assert not environment.current("dev", ["pip"])


def test_an_environment_whose_making_was_interrupted_is_made_again(load, environment) -> None:
    (environment.folder / "left-over").touch()

    def interrupt(*arguments: str) -> None:
        raise KeyboardInterrupt

    environment.pip = interrupt
    with pytest.raises(KeyboardInterrupt):
        environment.make("dev", [])
    assert not environment.current("dev", [])
    environment.pip = lambda *arguments: None
    environment.make("dev", [])
    assert environment.current("dev", ["pip"])
    assert not (environment.folder / "left-over").exists()


def test_an_environment_without_its_interpreter_is_not_current(environment) -> None:
    environment.python.unlink()
    assert not environment.current("dev", [])


def test_an_environment_outlives_a_security_update_of_its_python(environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version", "3.x.y (another build, of today)")
    assert environment.current("dev", ["pip"])
    monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-399")
    assert not environment.current("dev", ["pip"])


def test_every_requirement_is_pinned() -> None:
    """An installed package without a pin could change under a later run."""
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    }
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--exclude-editable"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    installed = {package["name"].lower().replace("_", "-") for package in json.loads(answer.stdout)}
    if Path(sys.prefix) != ROOT / ".cache" / "venv":
        pytest.skip("only the environment that scripts/test made has nothing else in it")
    assert installed <= pinned
