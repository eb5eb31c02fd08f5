"""The ``hookline`` command: dispatch, exit codes, and the commands that need neither Spark nor a server."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import hookline
import hookline.commands
from hookline.cli import main

ROOT = Path(__file__).resolve().parents[1]
_MADE_BY_TOOLS = {"__pycache__", ".pytest_cache", ".ruff_cache", "build", "dist"}
EXAMPLE = ROOT / "examples" / "third_party_plugin"
PLUGIN = """\
from typing import ClassVar
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig

class Options(PluginConfig):
    limit: int = 1

class Plugin:
    Config: ClassVar = Options
    requires = ()
    def __init__(self, config, context):
        raise AssertionError("no command makes plugins only to look at them")
    @hookimpl
    def on_run_started(self, event, run): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path with a distribution that brings a plugin ``cliplug`` and three commands."""
    site = tmp_path / "site"
    info = site / "acme-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[hookline.plugins]\ncliplug = cli_case_plugin:Plugin\ncliwant = cli_case_plugin:Wanting\n"
        "[hookline.commands]\nhello = cli_case_hello\nbroken = cli_case_broken\nempty = cli_case_empty\n"
    )
    (site / "cli_case_plugin.py").write_text(PLUGIN + "class Wanting(Plugin):\n    requires = ('nothing_here',)\n")
    (site / "cli_case_hello.py").write_text(
        '"""Say hello."""\nimport sys\n'
        "def add(parser): parser.add_argument('--code', type=int, default=0)\n"
        "def main(args):\n    sys.stdout.write('hello\\n')\n    return args.code\n"
    )
    (site / "cli_case_broken.py").write_text("raise RuntimeError('typed only')")
    (site / "cli_case_empty.py").write_text("")
    monkeypatch.syspath_prepend(site)
    yield site
    for name in [name for name in sys.modules if name.startswith("cli_case_")]:
        del sys.modules[name]


def hookline_process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "hookline", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


# -- dispatch ----------------------------------------------------------------------------------------------------------


def test_help_lists_every_command_with_its_summary(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    modules = [path.stem for path in Path(hookline.commands.__path__[0]).glob("[a-z]*.py")]
    lines = dict(line.split(maxsplit=1) for line in shown.partition("commands:\n")[2].splitlines())
    assert set(lines) == {name.replace("_", "-") for name in modules} | {"hello", "broken", "empty"}
    assert lines["plugins"].startswith("List the plugins")
    assert lines["hello"] == "(from acme)"


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "commands:" in captured.err


def test_an_unknown_command_is_wrong_usage_and_hints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plguins"]) == 2
    assert "there is no command 'plguins'; did you mean 'plugins'?\ncommands: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["plugins", "--nope"], ["config"], ["config", "frob"], ["plugin", "new"], ["--nope"]]
)
def test_wrong_arguments_are_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: hookline" in capsys.readouterr().err


def test_modules_with_an_underscore_are_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["_options"]) == 2
    assert "no command '_options'" in capsys.readouterr().err


def test_a_distribution_brings_a_command(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hello", "--code", "7"]) == 7
    assert capsys.readouterr().out == "hello\n"
    assert "cli_case_broken" not in sys.modules


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "broken",
            "hookline: the command 'broken' of acme (cli_case_broken) can't be imported: RuntimeError; upgrade or",
        ),
        ("empty", "hookline: the command 'empty' of acme (cli_case_empty) has no add(parser) and main(args); upgrade"),
    ],
)
def test_a_broken_command_of_a_distribution(
    site: Path, capsys: pytest.CaptureFixture[str], name: str, expected: str
) -> None:
    assert main([name]) == 4
    assert capsys.readouterr().err.startswith(expected)


def test_help_is_quick_to_import_and_the_command_runs_as_a_module() -> None:
    code = (
        "import sys\nfrom hookline.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'yaml', 'sqlalchemy', 'pluggy', 'pyspark', 'duckdb', 'pyarrow', 'networkx'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"
    assert hookline_process("--version").stdout == f"hookline {hookline.__version__}\n"


def test_errors_are_lines_without_a_traceback(folder: Path) -> None:
    (folder / "hookline.yaml").write_text("jbo: 1\nbuss: 2\n")
    ended = hookline_process("plugins", cwd=folder)
    assert ended.returncode == 4
    assert ended.stdout == ""
    assert [line.partition("; ")[0] for line in ended.stderr.splitlines()] == [
        "hookline: hookline.yaml:1: jbo: unknown key (did you mean 'job'?)",
        "hookline.yaml:2: buss: unknown key (did you mean 'bus'?)",
    ]


def test_a_reader_that_leaves_is_no_crash(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hookline", "config", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


# -- plugins -----------------------------------------------------------------------------------------------------------


def test_plugins_as_json(site: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "hookline.yaml").write_text("plugins: {cliplug: , 'cli_case_plugin:Plugin': , nobody: }")
    assert main(["plugins", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["version"] == 1
    rows = {row["name"]: row for row in shown["plugins"]}
    assert rows["cliplug"] == {
        "name": "cliplug",
        "installed": True,
        "enabled": True,
        "distribution": "acme",
        "distribution_version": "1.2",
        "target": "cli_case_plugin:Plugin",
        "hooks": ["on_run_started"],
        "missing": [],
        "problem": None,
        "failures": None,
        "last_run": None,
    }
    assert (rows["cliwant"]["enabled"], rows["cliwant"]["missing"]) == (False, ["nothing_here"])
    assert rows["cli_case_plugin:Plugin"]["enabled"] is True
    assert rows["cli_case_plugin:Plugin"]["distribution"] is None
    assert rows["nobody"]["installed"] is False
    assert "no plugin of this name is installed" in rows["nobody"]["problem"]


def test_plugins_as_a_table(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--set", "plugins.cliplug="]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["PLUGIN"].split() == ["PLUGIN", "ENABLED", "FROM", "HOOKS", "STATE"]
    assert lines["cliplug"].split() == ["cliplug", "yes", "acme", "1.2", "on_run_started", "ready"]
    assert 'pip install "acme"' in lines["cliwant"]


# -- config ------------------------------------------------------------------------------------------------------------


def test_config_validate(site: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "c.yaml").write_text(
        "plugins: {cliplug: {limit: 2}}\nenvironments:\n  dev:\n  prod:\n    plugins:\n      cliplug: {limit: many}\n"
    )
    arguments = ["config", "validate", "--config", "c.yaml"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "c.yaml: valid; plugins: cliplug\n"
    assert main([*arguments, "--env", "dev"]) == 0
    assert capsys.readouterr().out == "c.yaml (dev): valid; plugins: cliplug\n"
    assert main([*arguments, "--all"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hookline: c.yaml:6: plugins.cliplug.limit: found 'many' (text); should be")


def test_config_validate_all_approves_each_environment(
    site: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "hookline.yaml").write_text("plugins: {cliplug: }\nenvironments: {dev: , prod: }\n")
    assert main(["config", "validate", "--all", "--env", "prod"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "hookline.yaml (prod)",
        "hookline.yaml (dev)",
    ]


def test_config_schema(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"plugins": {"cliplug": {"limit": 3}}})
    assert not validator.is_valid({"plugins": {"cliplug": {"limit": "many"}}})


# -- plugin new --------------------------------------------------------------------------------------------------------


def written(folder: Path) -> dict[str, str]:
    """The texts of all files below a folder."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not _MADE_BY_TOOLS & set(path.parts)]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def test_a_new_plugin_is_a_whole_distribution(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", "new", "hookline-row-log"]) == 0
    files = written(folder / "hookline-row-log")
    assert set(files) == {
        ".gitignore",
        "README.md",
        "pyproject.toml",
        "setup.cfg",
        "src/hookline_row_log/__init__.py",
        "src/hookline_row_log/plugin.py",
        "src/hookline_row_log/py.typed",
        "tests/test_contract.py",
        "tests/test_row_log.py",
    }
    shown = capsys.readouterr().out
    assert all(f"hookline-row-log/{name}\n" in shown for name in files)
    assert "row-log: {}" in shown
    assert not [name for name, text in files.items() if "{{" in text]
    setup = configparser.ConfigParser()
    setup.read_string(files["setup.cfg"])
    assert setup["metadata"]["name"] == "hookline-row-log"
    assert setup["options.entry_points"]["hookline.plugins"].strip() == (
        "row-log = hookline_row_log.plugin:RowLogPlugin"
    )
    for name, text in files.items():
        if name.endswith(".py"):
            compile(text, name, "exec")


def test_the_example_is_what_plugin_new_writes_with_a_behaviour(folder: Path) -> None:
    assert main(["plugin", "new", "rowlog", "--dir", "made"]) == 0
    made = written(folder / "made")
    example = {name: text for name, text in written(EXAMPLE).items() if ".egg-info" not in name}
    own = {"src/hookline_rowlog/plugin.py", "tests/test_rowlog.py", "README.md"}
    assert set(example) == set(made)
    assert {name: text for name, text in example.items() if name not in own} == {
        name: text for name, text in made.items() if name not in own
    }
    assert example["README.md"].startswith(made["README.md"])
    assert example["src/hookline_rowlog/plugin.py"].count("\n") <= 150


@pytest.mark.parametrize("name", ["", "Row", "1row", "row log", "../row", "class", "row--log", "row-", "x" * 51, "é"])
def test_a_name_that_can_not_be_one_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["plugin", "new", name]) == 1
    assert capsys.readouterr().err.startswith(f"hookline: {name!r} can't name a plugin"[:40])
    assert list(folder.iterdir()) == []


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("x")
    (folder / "file").write_text("x")
    assert main(["plugin", "new", "rowlog", "--dir", "mine"]) == 1
    assert main(["plugin", "new", "rowlog", "--dir", "file"]) == 1
    assert main(["plugin", "new", "rowlog", "--dir", "file/below"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "hookline: mine exists and is not an empty folder; choose another with --dir"
    assert lines[1] == "hookline: file exists and is not an empty folder; choose another with --dir"
    assert lines[2].startswith("hookline: file/below")
    assert written(folder) == {"mine/thesis.txt": "x", "file": "x"}
