"""What the README and the docs tell people to write or type is tried: every code block, and every command in a sentence."""

from __future__ import annotations

import argparse
import configparser
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import hookline.cli
from hookline.core.config import load_config
from hookline.core.loader import check_plugins
from hookline.core.plugin_check import check_class, implemented_hooks
from hookline.governance.access.loading import find_access
from hookline.governance.protection import load_policies
from hookline.governance.protection.cases import load_cases
from hookline.quality.checks import kinds, registry
from hookline.quality.suite import load_suites

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*/README.md")])
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    """A fenced block and where it begins."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets() -> Iterator[Snippet]:
    for page in PAGES:
        text = page.read_text()
        for match in FENCE.finditer(text):
            yield Snippet(page, text.count("\n", 0, match.start()) + 1, match["language"], match["text"])


def try_yaml(snippet: Snippet, folder: Path) -> None:
    """A suite, a policy, or a configuration whose plugins are all installed and take these options."""
    file = folder / "hookline.yaml"
    file.write_text(snippet.text)
    if re.match(r"(dataset|suites):", snippet.text):
        for earlier in (one for one in snippets() if one.page == snippet.page and one.language == "python"):
            if "register(" in earlier.text or "@hookline.check" in earlier.text:
                try_python(earlier, folder)
        assert load_suites(file)
        return
    if snippet.text.startswith("kind: access"):
        assert find_access([file.name], folder).rules
        return
    if re.search(r"^(rules|at_rest):", snippet.text, re.MULTILINE):
        assert load_policies(file)
        return
    if snippet.text.startswith("- given:"):
        assert load_cases(file)
        return
    for environment in (None, *re.findall(r"^  (\w+):$", snippet.text.partition("environments:")[2], re.MULTILINE)):
        config = load_config(file, environment=environment)
        if "rowlog" not in snippet.text:  # the example's own plugin is installed by the test of its wheel
            check_plugins(config)


def try_python(snippet: Snippet, folder: Path) -> None:
    """Run it where that needs no Spark; a plugin's class has to be one."""
    code = compile(snippet.text, str(snippet), "exec")
    if "spark" in snippet.text:
        return
    names: dict[str, object] = {"__name__": "snippet"}
    exec(code, names)  # noqa: S102 - it is ours
    for value in names.values():
        if isinstance(value, type) and hasattr(value, "Config"):
            assert implemented_hooks(check_class(value))


def try_shell(snippet: Snippet, folder: Path) -> None:
    for line in snippet.text.splitlines():
        try_line(line.partition(" #")[0].partition(" < ")[0].strip())


def try_line(line: str) -> None:
    words = [word for word in shlex.split(line) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if words[:1] == ["hookline"]:
        parse(words[1:])
    elif words[:1] == ["bash"]:
        assert (ROOT / words[1]).is_file(), line
    elif words[:2] == ["pip", "install"]:
        assert set(re.findall(r"hookline\[(\w+)\]", line)) <= extras(), line
    else:
        assert words[:1] in ([], ["pytest"]), f"nobody tries: {line}"


def parse(words: list[str]) -> None:
    """Have the command's own parser read the words."""
    name = words[0]
    assert name in hookline.cli._own_names(), f"there is no command {name!r}"
    parser = argparse.ArgumentParser(prog=f"hookline {name}", exit_on_error=False)
    command = hookline.cli._own(name)
    command.add(parser)
    try:
        parser.parse_args(words[1:])
    except (SystemExit, argparse.ArgumentError) as error:
        pytest.fail(f"hookline {' '.join(words)}: {error}")


def extras() -> set[str]:
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    return set(metadata["options.extras_require"])


@pytest.fixture(autouse=True)
def _forget_checks() -> Iterator[None]:
    before = kinds()
    yield
    before |= {name: kind for name, kind in kinds().items() if kind.check.__module__.startswith("hookline.")}
    registry._kinds.clear()
    registry._kinds.update(before)


TRY: Mapping[str, Callable[[Snippet, Path], None]] = {
    "bash": try_shell,
    "json": lambda snippet, _folder: [json.loads(line) for line in snippet.text.splitlines()] and None,
    "python": try_python,
    "ini": lambda snippet, _folder: configparser.ConfigParser().read_string(snippet.text),
    "text": lambda _snippet, _folder: None,
    "yaml": try_yaml,
}


@pytest.mark.parametrize("snippet", [*snippets()], ids=str)
def test_a_code_block(snippet: Snippet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in re.findall(r"\$\{(\w+)\}", snippet.text):
        monkeypatch.setenv(name, "https://hooks.example.com/x" if "WEBHOOK" in name else "sqlite:////tmp/x.db")
    assert snippet.language in TRY, f"{snippet}: nobody tries a block of {snippet.language or 'no language'}"
    TRY[snippet.language](snippet, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_stands_in_fences_where_it_is_tried(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    assert re.findall(r"\n\n {4,}\S.*", text) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_command_in_a_sentence_exists(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    named = {words.split()[0] for words in re.findall(r"`hookline ([a-z][^`]*)`", text)}
    assert named <= set(hookline.cli._own_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
