"""From a name in the configuration to a plugin at work, and every way in which that fails."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import hookline.core.loader
from hookline.core.config import Config, Location, PluginEntry, load_config
from hookline.core.config_schema import config_schema
from hookline.core.errors import ConfigError, MissingExtraError, PluginLoadError
from hookline.core.loader import LoadedPlugin, check_plugins, inspect_plugin, installed_plugins, load_plugins
from hookline.core.plugin import PluginContext

HEAD = """\
from typing import ClassVar
from pydantic import Field, SecretStr, field_validator, model_validator
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig

class Options(PluginConfig):
    limit: int = 1

class Base:
    Config: ClassVar = Options
    def __init__(self, config, context):
        self.config, self.context = config, context
"""
GOOD = "class Good(Base):\n    @hookimpl\n    def on_run_started(self, event, run): ...\n"
_numbers = itertools.count()


class Site:
    """A folder on sys.path with modules and the metadata of distributions, as pip would leave them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def module(self, text: str, *, head: str = HEAD) -> str:
        """Write a module; its name, which no other test uses."""
        name = f"loader_case_{next(_numbers)}"
        (self.folder / f"{name}.py").write_text(head + dedent(text))
        return name

    def distribution(self, name: str, points: dict[str, str], *, extras: tuple[str, ...] = ()) -> None:
        """Install metadata with entry points of hookline.plugins."""
        info = self.folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        lines = [
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2",
            *(f"Provides-Extra: {extra}" for extra in extras),
        ]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(
            "[hookline.plugins]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield Site(folder)
    for name in [name for name in sys.modules if name.startswith("loader_case_")]:
        del sys.modules[name]


@pytest.fixture
def context_for(tmp_path: Path) -> Callable[[str], PluginContext]:
    def make(name: str) -> PluginContext:
        # None of these plugins touches its outbox.
        return PluginContext(name, None, tmp_path, tmp_path, outbox=None)  # type: ignore[arg-type]

    return make


@pytest.fixture
def load(context_for: Callable[[str], PluginContext]) -> Callable[[str], tuple[LoadedPlugin, ...]]:
    def load_text(text: str) -> tuple[LoadedPlugin, ...]:
        Path("hookline.yaml").write_text(text)
        return load_plugins(load_config(), context_for)

    return load_text


Load = Callable[[str], tuple[LoadedPlugin, ...]]


def complaint(load: Load, text: str, kind: type[ConfigError] = PluginLoadError) -> str:
    """The text of the error that loading gives, which is of exactly this kind."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert type(caught.value) is kind
    return str(caught.value)


# -- what works --------------------------------------------------------------------------------------------------------


def test_plugins_are_made_in_order_with_their_options(site: Site, load: Load) -> None:
    module = site.module(GOOD)
    site.distribution("acme-hooks", {"second": f"{module}:Good", "unused": "no.such.module:X"})
    loaded = load(f"plugins:\n  '{module}:Good': {{limit: 5}}\n  second:\n")
    assert [(plugin.name, plugin.hooks, plugin.distribution) for plugin in loaded] == [
        (f"{module}:Good", ("on_run_started",), None),
        ("second", ("on_run_started",), "acme-hooks"),
    ]
    assert [plugin.instance.config.limit for plugin in loaded] == [5, 1]
    assert loaded[1].instance.context.name == "second"


def test_only_named_plugins_are_imported(site: Site, load: Load) -> None:
    broken = site.module("raise RuntimeError('must not be imported')")
    site.distribution("broken", {"broken": f"{broken}:X"})
    module = site.module(GOOD)
    load(f"plugins: {{'{module}:Good': }}")
    names = {plugin.name: plugin for plugin in installed_plugins()}
    assert (names["broken"].target, names["broken"].distribution, names["broken"].version) == (
        f"{broken}:X",
        "broken",
        "1.2",
    )
    assert broken not in sys.modules


def test_a_nested_class_inherited_and_renamed_hooks_are_found(site: Site, load: Load) -> None:
    module = site.module(
        GOOD
        + """
class Outer:
    class Inner(Good):
        @hookimpl(specname="judge_write")
        def weigh(this, results): ...
        @staticmethod
        @hookimpl
        def on_write_failed(event): ...
        @classmethod
        @hookimpl
        def on_read_observed(cls, run): ...
        @hookimpl(optionalhook=True)
        def on_some_later_thing(self, event): ...
        @property
        def trap(self):
            raise RuntimeError("properties are not run")
"""
    )
    (plugin,) = load(f"plugins: {{'{module}:Outer.Inner': }}")
    assert plugin.hooks == ("on_run_started", "on_read_observed", "judge_write", "on_write_failed")


def test_entries_made_by_hand_need_no_file(site: Site, context_for: Callable[[str], PluginContext]) -> None:
    module = site.module(GOOD)
    options = {"limit": 2}
    config = Config(plugins=(PluginEntry(f"{module}:Good", options, Location("here", 3)),))
    assert load_plugins(config, context_for)[0].instance.config.limit == 2
    bad = Config(plugins=(PluginEntry(f"{module}:Good", {"limt": 2}, Location("here", 3)),))
    with pytest.raises(ConfigError, match=r"^here:3: plugins\..*limt: unknown key \(did you mean 'limit'\?\)"):
        load_plugins(bad, context_for)


# -- names -------------------------------------------------------------------------------------------------------------


def test_an_unknown_name_lists_what_is_installed(site: Site, load: Load) -> None:
    site.distribution("acme", {"rowlog": "x:Y", "auditor": "x:Z"})
    text = complaint(load, "plugins:\n\n  rowlgo: {}\n")
    assert text.startswith(
        "hookline.yaml:3: plugins.rowlgo: no plugin of this name is installed (did you mean 'rowlog'?); installed: "
    )
    assert "auditor" in text


def test_an_unknown_name_that_is_an_extra_says_the_pip_line(site: Site, load: Load) -> None:
    site.distribution("hookline", {}, extras=("somevendor",))
    text = complaint(load, "plugins: {somevendor: {}}")
    assert text.endswith("'somevendor' is an extra of hookline: pip install \"hookline[somevendor]\"")


def test_a_dotted_name_without_its_colon_is_told_so(site: Site, load: Load) -> None:
    assert "; a class is named as package.module:Class; installed" in complaint(load, "plugins: {acme.hooks.Audit: {}}")


def test_a_name_claimed_twice_is_refused(site: Site, load: Load) -> None:
    module = site.module(GOOD)
    site.distribution("acme", {"audit": f"{module}:Good"})
    site.distribution("other", {"audit": "other.mod:Audit"})
    assert complaint(load, "plugins: {audit: }") == (
        f"hookline.yaml:1: plugins.audit: more than one plugin has this name: acme ({module}:Good) and other "
        "(other.mod:Audit); uninstall one, or name it by package.module:Class"
    )


@pytest.mark.parametrize("name", [":", "a:", ":b", "a b:c", "a:b:c", "..a:b", "a.:b"])
def test_a_malformed_path_is_refused(site: Site, load: Load, name: str) -> None:
    assert "is not of the form package.module:Class" in complaint(load, f"plugins: {{'{name}': }}")


def test_hookline_from_a_zip_knows_its_own_plugins(tmp_path: Path) -> None:
    source = Path(hookline.core.loader.__file__).parents[2]
    archive = tmp_path / "job.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in source.rglob("*.py"):
            packed.write(path, path.relative_to(source))
    code = (
        "from importlib import metadata\n"
        "def nothing(name): raise metadata.PackageNotFoundError(name)\n"  # as where nothing was installed by pip
        "metadata.distribution, metadata.entry_points = nothing, lambda **_: ()\n"
        "from hookline.core.loader import find_plugin, installed_plugins\n"
        "print(find_plugin('console').target, __import__('hookline.core').core.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(archive), "PYTHONNOUSERSITE": "1"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    target, file = ended.stdout.split()
    assert target == "hookline.plugins.console:ConsolePlugin"
    assert file.startswith(str(archive))


# -- imports -----------------------------------------------------------------------------------------------------------


def test_a_module_that_is_not_there(site: Site, load: Load) -> None:
    site.distribution("acme", {"gone": "acme_gone.mod:X"})
    assert complaint(load, "plugins: {'acme_gone.mod:X': }") == (
        "hookline.yaml:1: plugins.\"acme_gone.mod:X\": there is no module 'acme_gone'; check the spelling, and that its "
        "folder is on PYTHONPATH"
    )
    assert complaint(load, "plugins: {gone: }") == (
        "hookline.yaml:1: plugins.gone: there is no module 'acme_gone'; reinstall or upgrade acme, or remove the plugin "
        "from the configuration"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise ValueError('on\\n import')", "raised ValueError (on import) on import"),
        ("import sys; sys.exit(7)", "called sys.exit(7) on import"),
        ("def broken(:\n", "raised SyntaxError ("),
        ("from json import no_such_thing", "raised ImportError (cannot import name 'no_such_thing'"),
        ("raise BaseExceptionGroup('g', [ValueError()])" if sys.version_info >= (3, 11) else "1/0", "raised "),
        ("1/0", "raised ZeroDivisionError (division by zero) on import"),
        ("def f(): f()\nf()", "raised RecursionError"),
    ],
)
def test_a_module_that_fails_on_import(site: Site, load: Load, text: str, expected: str) -> None:
    module = site.module(text, head="")
    told = complaint(load, f"plugins: {{'{module}:X': }}")
    assert told.startswith(f'hookline.yaml:1: plugins."{module}:X": the module {module} {expected}')
    assert told.endswith("correct the module, or remove the plugin from the configuration")


def test_ctrl_c_is_not_swallowed(site: Site, load: Load) -> None:
    module = site.module("raise KeyboardInterrupt", head="")
    with pytest.raises(KeyboardInterrupt):
        load(f"plugins: {{'{module}:X': }}")


def test_a_missing_package_says_the_pip_line(site: Site, load: Load) -> None:
    module = site.module("import some_vendor_sdk.client", head="")
    site.distribution("hookline", {"vendor": f"{module}:X"}, extras=("vendor",))
    site.distribution("acme", {"acme": f"{module}:X"})
    prefix = "the package 'some_vendor_sdk', which is not installed: "
    assert complaint(load, "\n\nplugins: {vendor: }", MissingExtraError) == (
        f"hookline.yaml:3: plugins.vendor: plugin 'vendor' needs {prefix}pip install \"hookline[vendor]\""
    )
    assert complaint(load, "plugins: {acme: }", MissingExtraError).endswith(f'{prefix}pip install "acme"')
    assert complaint(load, f"plugins: {{'{module}:X': }}", MissingExtraError).endswith(
        f"{prefix}install the distribution that provides it"
    )


def test_a_package_that_imports_its_own_missing_part_is_broken_not_lacking(site: Site, load: Load) -> None:
    package = site.folder / "loader_case_pkg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "mod.py").write_text("import loader_case_pkg.gone")
    assert (
        "the module loader_case_pkg.mod imports loader_case_pkg.gone, which the installed loader_case_pkg does not "
        "have; correct the module"
    ) in complaint(load, "plugins: {'loader_case_pkg.mod:X': }")
    newer = site.module("import hookline.core.of_a_later_version", head="")
    site.distribution("acme", {"newer": f"{newer}:X"})
    assert complaint(load, "plugins: {newer: }").endswith(
        "imports hookline.core.of_a_later_version, which the installed hookline does not have; reinstall or upgrade "
        "acme, or remove the plugin from the configuration"
    )
    nameless = site.module("raise ModuleNotFoundError('odd')", head="")
    assert "raised ModuleNotFoundError (odd); correct" in complaint(load, f"plugins: {{'{nameless}:X': }}")


def test_declared_requirements_are_looked_for_and_not_imported(site: Site, load: Load) -> None:
    package = site.folder / "loader_case_sdk"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('a vendor SDK was imported')")
    (package / "part.py").write_text("")
    module = site.module(
        GOOD
        + "class Fit(Good):\n    requires = ('loader_case_sdk.part', 'json')\n"
        + "class Unfit(Good):\n    requires = ('json', 'loader_case_sdk.other', 'nothing_here')\n"
    )
    assert load(f"plugins: {{'{module}:Fit': }}")[0].name == f"{module}:Fit"
    assert "needs the package 'loader_case_sdk'" in complaint(
        load, f"plugins: {{'{module}:Unfit': }}", MissingExtraError
    )
    assert "loader_case_sdk" not in sys.modules


# -- classes and hooks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("class Audit: ...", "Audti", "has no Audti (did you mean 'Audit'?)"),
        ("def f(): ...", "f", "is a function, not a class; name the plugin's class"),
        ("x = Base(1, 2)", "x", "is an instance of Base, not a class"),
        ("import json", "json", "is a module, not a class"),
        ("class X: ...", "X", "the class X has no Config; a plugin names its options"),
        ("class X(Base):\n    Config = dict", "X", "X.Config is not derived from hookline.PluginConfig; derive it"),
        ("class X(Base):\n    Config = Options()", "X", "X.Config is not derived from hookline.PluginConfig"),
        ("class X(Base): ...", "X", "the class X: implements no hook; put @hookline.hookimpl on a method"),
    ],
)
def test_what_is_no_plugin_is_refused(site: Site, load: Load, text: str, target: str, expected: str) -> None:
    module = site.module(text)
    assert expected in complaint(load, f"plugins: {{'{module}:{target}': }}")


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (
            "@hookimpl\ndef on_write_finish(self, event): ...",
            "there is no hook on_write_finish (did you mean 'on_write_finished'?)",
        ),
        ("def on_write_finished(self, event): ...", "on_write_finished lacks its marker and would never be called"),
        (
            "@hookimpl\ndef on_write_finished(self, evnt, run): ...",
            "on_write_finished: the hook gives no parameter 'evnt' (did you mean 'event'?); it gives event, run",
        ),
        (
            "@hookimpl\ndef judge_write(self, event, run, result): ...",
            "judge_write: the hook gives no parameter 'result' (did you mean 'results'?); it gives event, run, results",
        ),
        ("@hookimpl\ndef on_run_started(self, event, run=None): ...", "the parameter run=None would never be filled"),
        ("@hookimpl\ndef on_run_started(self, *args): ...", "the parameter *args would never be filled"),
        ("@hookimpl\ndef on_run_started(self, *, event): ...", "the parameter event would never be filled"),
        ("@hookimpl(wrapper=True)\ndef on_run_started(self, event): yield", "on_run_started is a wrapper"),
        ("@hookimpl(hookwrapper=True)\ndef judge_write(self, event): yield", "judge_write is a wrapper"),
        ("@hookimpl(tryfirst=True)\ndef on_run_started(self, event): ...", "the order is the configuration's"),
        ("@hookimpl\nasync def on_run_started(self, event): ...", "is a coroutine or generator and would not run"),
        ("@hookimpl\ndef measure_write(self, event): yield 1", "is a coroutine or generator and would not run"),
    ],
)
def test_a_hook_that_would_not_be_called_as_meant_is_refused(site: Site, load: Load, hook: str, expected: str) -> None:
    body = "\n".join(f"    {line}" for line in hook.splitlines())
    module = site.module(f"class X(Base):\n{body}\n")
    told = complaint(load, f"plugins: {{'{module}:X': }}")
    assert told.startswith(f'hookline.yaml:1: plugins."{module}:X": the class X: ')
    assert expected in told


def test_all_of_a_classs_mistakes_are_told_at_once(site: Site, load: Load) -> None:
    module = site.module(
        "class X(Base):\n"
        "    @hookimpl\n    def on_run_start(self, event): ...\n"
        "    @hookimpl\n    def on_run_failed(self, evt): ...\n"
    )
    told = complaint(load, f"plugins: {{'{module}:X': }}")
    assert "no hook on_run_start" in told
    assert "no parameter 'evt'" in told


# -- options -----------------------------------------------------------------------------------------------------------

OPTIONS = """
class Inner(PluginConfig):
    name: str
    size: int = Field(1, ge=1)
class Left(PluginConfig):
    kind: str = "left"
    left_only: int = 1
class Rich(PluginConfig):
    items: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = {}
    either: Left | int = 1
    api_token: SecretStr = SecretStr("")
    plain: str = ""
    must: str
    @field_validator("plain")
    @classmethod
    def check(cls, value):
        if value:
            raise ValueError(f"{value!r} is not liked")
        return value
    @model_validator(mode="after")
    def check_all(self):
        if self.must == "explode":
            raise RuntimeError(f"boom {self.api_token.get_secret_value()}")
        if self.must == "token":
            raise ValueError(f"bad pair {self.api_token.get_secret_value()}")
        return self
class X(Base):
    Config = Rich
    @hookimpl
    def on_run_started(self): ...
"""


def test_all_options_that_are_missing_are_wanted_and_not_one_of_them(site: Site, load: Load) -> None:
    module = site.module(
        "class Two(PluginConfig):\n    first: str\n    second: int\n\nclass X(Base):\n    Config = Two\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    told = complaint(load, f"plugins:\n  '{module}:X': {{}}\n", ConfigError)
    assert told == f"hookline.yaml:2: plugins.\"{module}:X\": 'first' and 'second' are missing; add them"


def test_options_are_explained_like_the_files_own_keys(site: Site, load: Load) -> None:
    module = site.module(OPTIONS)
    told = complaint(
        load,
        f"plugins:\n  '{module}:X':\n    items:\n      - name: a\n      - nmae: b\n        size: 0\n    by_name:\n"
        "      k: {name: 5}\n    either: {left_onyl: 1}\n    plain: pear\n    mst: x\n",
        ConfigError,
    )
    key = f'plugins."{module}:X"'
    lines = told.splitlines()
    assert lines[0] == f"hookline.yaml:2: {key}: 'must' is missing; add it"
    assert lines[1] == f"hookline.yaml:5: {key}.items[1]: 'name' is missing; add it"
    assert lines[2] == f"hookline.yaml:5: {key}.items[1].nmae: unknown key (did you mean 'name'?); allowed: name, size"
    assert lines[3].startswith(
        f"hookline.yaml:6: {key}.items[1].size: found 0 (a whole number); should be greater than"
    )
    assert lines[4] == (
        f"hookline.yaml:8: {key}.by_name.k.name: found 5 (a whole number); should be text; put it in quotes"
    )
    assert f"hookline.yaml:9: {key}.either.left_onyl: unknown key (did you mean 'left_only'?); allowed: kind, " in told
    assert f"hookline.yaml:10: {key}.plain: found 'pear' (text); 'pear' is not liked" in lines
    assert f"hookline.yaml:11: {key}.mst: unknown key (did you mean 'must'?)" in told


@pytest.mark.parametrize(
    "options",
    [
        "{must: x, plain: '${HOOKLINE_TEST_SECRET}'}",
        "{must: token, api_token: '${HOOKLINE_TEST_SECRET}'}",
        "{must: token, api_token: hunter2}",
        "{must: explode, api_token: hunter2}",
        "{must: x, items: '${HOOKLINE_TEST_SECRET}'}",
        "{must: x, api_token: [hunter2]}",
        "{must: x, plain: 'https://u:hunter2@host'}",
        "{must: x, items: [{name: x, size: '${HOOKLINE_TEST_SECRET}'}]}",
    ],
)
def test_no_error_about_options_shows_a_secret(
    site: Site, load: Load, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_TEST_SECRET", "hunter2")
    module = site.module(OPTIONS)
    with pytest.raises(ConfigError) as caught:
        load(f"plugins: {{'{module}:X': {options}}}")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


# -- constructors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise ValueError('no ' + config.token)", "the class X raised ValueError (no ***) when it was made"),
        ("import sys; sys.exit('bye')", "the class X called sys.exit() when it was made"),
        ("from hookline.core.errors import SinkError; raise SinkError('no folder')", ": no folder"),
        ("raise KeyboardInterrupt(config.token)", "raised KeyboardInterrupt (***) when it was made"),
    ],
)
def test_a_constructor_that_fails(site: Site, load: Load, body: str, expected: str) -> None:
    module = site.module(
        "class O(PluginConfig):\n    token: str\n"
        f"class X(Base):\n    Config = O\n    def __init__(self, config, context):\n        {body}\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    told = complaint(load, f"\nplugins: {{'{module}:X': {{token: hunter2}}}}")
    assert told.startswith(f'hookline.yaml:2: plugins."{module}:X": ')
    assert expected in told


def test_a_constructor_that_never_returns_costs_its_deadline(site: Site, load: Load) -> None:
    module = site.module(
        "import threading\n\nclass X(Base):\n    def __init__(self, config, context): threading.Event().wait()\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    told = complaint(load, f"bus: {{decide_deadline_s: 0.2}}\nplugins: {{'{module}:X': }}")
    assert told.endswith("the class X did not answer within 0.2 s when it was made")


def test_a_constructor_that_misses_a_package_says_the_pip_line(site: Site, load: Load) -> None:
    module = site.module(
        "class X(Base):\n    def __init__(self, config, context):\n        import some_vendor_sdk.client\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    site.distribution("acme", {"vendor": f"{module}:X"}, extras=("vendor",))
    told = complaint(load, "plugins: {vendor: }", MissingExtraError)
    assert told.endswith("'some_vendor_sdk', which is not installed: pip install \"acme[vendor]\"")


def test_plugins_made_before_a_failure_are_closed(site: Site, load: Load) -> None:
    module = site.module(
        "closed = []\n"
        "class A(Base):\n    @hookimpl\n    def on_run_started(self): ...\n    def close(self): closed.append('a')\n"
        "class B(A):\n    def close(self): raise SystemExit(3)\n"
        "class C(A):\n    def __init__(self, config, context): raise OSError\n"
    )
    with pytest.raises(PluginLoadError, match="raised OSError when it was made"):
        load(f"plugins: {{'{module}:B': , '{module}:A': , '{module}:C': }}")
    assert sys.modules[module].closed == ["a"]


def test_nothing_is_made_when_any_plugin_is_unfit_and_all_are_told(site: Site, load: Load) -> None:
    module = site.module(
        "class A(Base):\n    def __init__(self, config, context): raise AssertionError('was made')\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    told = complaint(
        load, f"plugins:\n  '{module}:A':\n  nobody:\n  '{module}:B':\n  '{module}:A.Config':\n", ConfigError
    )
    assert [line.partition(": ")[0] for line in told.splitlines()] == [f"hookline.yaml:{line}" for line in (3, 4, 5)]


# -- gates, inspection, schema -----------------------------------------------------------------------------------------


def test_a_required_gate_has_to_decide_something(site: Site, load: Load) -> None:
    module = site.module(GOOD + "class Gate(Good):\n    @hookimpl\n    def authorize_write(self): ...\n")
    site.distribution("acme", {"good": f"{module}:Good", "gate": f"{module}:Gate"})
    assert len(load("required_gates: [gate]\nplugins: {good: , gate: }")) == 2
    assert complaint(load, "plugins: {good: , gate: }\nrequired_gates:\n  - good\n", ConfigError) == (
        "hookline.yaml:2: required_gates: the plugin 'good' decides nothing, so that it can't be a gate (it implements "
        "on_run_started); drop the requirement"
    )


def test_checking_makes_nothing(site: Site) -> None:
    module = site.module(
        "class A(Base):\n    def __init__(self, config, context): raise AssertionError('was made')\n"
        "    @hookimpl\n    def on_run_started(self): ...\n"
    )
    (plugin,) = check_plugins(Config(plugins=(PluginEntry(f"{module}:A", {"limit": 3}),)))
    assert (plugin.hooks, plugin.config.model_dump()) == (("on_run_started",), {"limit": 3})


def test_inspection_never_raises(site: Site) -> None:
    module = site.module(GOOD + "class Lacking(Good):\n    requires = ('nothing_here',)\n")
    broken = site.module("raise SystemExit(1)", head="")
    site.distribution(
        "acme", {"ok": f"{module}:Good", "lacking": f"{module}:Lacking", "broken": f"{broken}:X", "gone": "nowhere_x:X"}
    )
    seen = {plugin.name: inspect_plugin(plugin) for plugin in installed_plugins() if plugin.distribution == "acme"}
    assert (seen["ok"].hooks, seen["ok"].missing, seen["ok"].problem) == (("on_run_started",), (), None)
    assert (seen["lacking"].hooks, seen["lacking"].missing) == (("on_run_started",), ("nothing_here",))
    assert str(seen["lacking"].problem).endswith('pip install "acme"')
    assert "called sys.exit(1) on import" in str(seen["broken"].problem)
    assert "there is no module 'nowhere_x'" in str(seen["gone"].problem)


def test_the_schema_has_the_options_of_installed_plugins(site: Site) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    module = site.module(OPTIONS)
    site.distribution("acme", {"rich": f"{module}:X", "broken": "nowhere_x:X"})
    schema = config_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)

    def accepts(plugins: object) -> bool:
        return validator.is_valid({"plugins": plugins})

    assert accepts({"rich": {"must": "x", "items": [{"name": "n", "size": "${SIZE}"}]}, "broken": {"any": 1}})
    assert accepts({"rich": False, "broken": None})
    assert not accepts({"rich": {"must": "x", "items": [{"name": "n", "size": 0}]}})
    assert not accepts({"rich": {}})
    assert not accepts({"rich": {"must": "x", "other": 1}})
    assert validator.is_valid({"environments": {"prod": {"plugins": {"rich": {"plain": "x"}}}}})
    assert not validator.is_valid({"environments": {"prod": {"plugins": {"rich": {"plian": "x"}}}}})
