"""Reading hookline.yaml: what it gives, and that every mistake in it is explained by file, line, key and cure."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.core.config import Location, environment_names, load_config
from hookline.core.config_models import STORE_DRIVERS
from hookline.core.config_schema import config_schema
from hookline.core.errors import ConfigError
from hookline.core.store.url import parse

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, without hookline's variables."""
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(folder: Path) -> Write:
    def write_text(text: str, name: str = "hookline.yaml") -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def complaint(**arguments: object) -> str:
    """The whole text of the error that loading gives."""
    with pytest.raises(ConfigError) as caught:
        load_config(**arguments)  # type: ignore[arg-type]
    return str(caught.value)


# -- where the file is -------------------------------------------------------------------------------------------------


def test_without_a_file_there_are_defaults(folder: Path) -> None:
    config = load_config()
    assert [entry.name for entry in config.plugins] == ["console", "lineage"]
    assert config.source is None
    assert config.state_dir == folder / ".hookline"
    assert config.store_url() == f"sqlite:///{folder}/.hookline/store.db"
    assert (config.bus.notify_deadline_s, config.bus.decide_deadline_s) == (2.0, 30.0)
    assert config.measure.ways == ("proof", "vectorised", "observe", "spark")
    assert (config.outbox.flush_deadline_s, config.outbox.max_bytes) == (5.0, 1024**3)


def test_explicit_path_wins_over_variable_wins_over_working_directory(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("job: here")
    assert load_config().job == "here"
    monkeypatch.setenv("HOOKLINE_CONFIG", str(write("job: named", "named.yaml")))
    assert load_config().job == "named"
    assert load_config(write("job: given", "given.yaml")).job == "given"


@pytest.mark.parametrize("explicit", [True, False])
def test_a_file_that_was_asked_for_must_exist(explicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_CONFIG", "away.yaml")
    text = complaint(path=Path("gone.yaml")) if explicit else complaint()
    expected = ("gone.yaml", "--config") if explicit else ("away.yaml", "$HOOKLINE_CONFIG")
    assert text == f"{expected[0]}: there is no such file, and {expected[1]} names it; correct the path"


def test_a_link_that_leads_nowhere_is_no_missing_file(folder: Path) -> None:
    (folder / "hookline.yaml").symlink_to("elsewhere.yaml")
    assert "hookline.yaml: there is no such file" in complaint()


def test_a_folder_is_no_file(folder: Path) -> None:
    (folder / "hookline.yaml").mkdir()
    assert complaint() == "hookline.yaml: can't be read: Is a directory; name a file that may be read"


def test_state_dir_starts_from_the_files_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sub").mkdir()
    path = folder / "sub" / "c.yaml"
    path.write_text("state_dir: state")
    assert load_config(path).state_dir == folder / "sub" / "state"
    assert load_config(path).base_dir == folder / "sub"
    assert load_config(path, overrides=["state_dir=typed"]).state_dir == folder / "typed"
    monkeypatch.setenv("HOOKLINE_DIR", "wins")
    assert load_config(path, overrides=["state_dir=typed"]).state_dir == folder / "wins"


# -- YAML --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# all commented out\n", "---\n", "bus:\noutbox:\nenvironments:\n"])
def test_emptiness_means_defaults(write: Write, text: str) -> None:
    write(text)
    assert load_config().bus == load_config().bus.__class__()
    assert [entry.name for entry in load_config().plugins] == ["console", "lineage"]


def test_an_empty_list_of_plugins_is_meant(write: Write) -> None:
    write("plugins:\n")
    assert load_config().plugins == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bus:\n\tnotify_deadline_s: 1\n", "hookline.yaml:2:1: not valid YAML"),
        ("bus:\n\tnotify_deadline_s: 1\n", "indented with spaces, never with tabs"),
        (
            "job: a: b\n",
            "hookline.yaml:1:7: not valid YAML: mapping values are not allowed here; check the indentation",
        ),
        (
            "job: 'x\n",
            "hookline.yaml:2:1: not valid YAML: while scanning a quoted scalar, found unexpected end of stream",
        ),
        ("required_gates: [a, b\n", "hookline.yaml:2:1: not valid YAML: while parsing a flow sequence"),
        ("required_gates: [${A}]\n", 'in quotes: "${NAME}"'),
        ("job: a\n---\njob: b\n", "hookline.yaml:2:1: not valid YAML: expected a single document"),
        ("job: \x07\n", "hookline.yaml:1: not valid YAML: a control character (U+0007); remove it"),
        ("job: a\njob: b\n", "hookline.yaml:2: job: this key is given twice, first in line 1; keep one of the two"),
        ("plugins:\n  a: {x: 1, x: 2}\n", "hookline.yaml:2: plugins.a.x: this key is given twice, first in line 2"),
        (
            "plugins:\n  quality:\n  console:\n  quality:\n",
            "hookline.yaml:4: plugins.quality: this plugin is named twice, first in line 2; keep one of the two",
        ),
        ("1: a\n", "hookline.yaml:1: the key '1' is not text; write it in quotes"),
        ("bus:\n  ? [a]\n  : b\n", "hookline.yaml:2: bus: the key (a list or mapping) is not text"),
        ("plugins:\n  true: {}\n", "hookline.yaml:2: plugins: the key 'true' is not text; write it in quotes"),
        ("job: &a x\nstore: *a\n", "hookline.yaml:2:8: not valid YAML: aliases (*name) are not supported"),
        (
            "job: !!python/object/apply:os.system [ls]\n",
            "hookline.yaml:1: job: the tag !!python/object/apply:os.system",
        ),
        ("job: !secret x\n", "hookline.yaml:1: job: the tag !secret is not supported; write a plain value"),
        ("job: !!int x\n", "hookline.yaml:1: job: looks like a YAML int and is none; write text in quotes"),
        ("job: 2024-13-45\n", "hookline.yaml:1: job: looks like a YAML timestamp and is none; write text in quotes"),
        ("- a\n", "hookline.yaml:1: found a list; a configuration is a mapping (key: value)"),
        ("just text\n", "hookline.yaml:1: found text; a configuration is a mapping (key: value)"),
        ("bus: {]\n", "check the brackets, quotes and indentation there and in the lines before"),
    ],
)
def test_bad_yaml_is_explained(write: Write, text: str, expected: str) -> None:
    write(text)
    assert expected in complaint()


def test_a_bomb_of_aliases_is_refused_at_its_first(write: Write) -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))
    write(f"l0: &l0 [x, x]\n{levels}\n")
    assert complaint().startswith("hookline.yaml:2:10: not valid YAML: aliases")


def test_bottomless_nesting_is_refused(write: Write) -> None:
    write("job: " + "[" * 5_000 + "]" * 5_000)
    assert complaint() == "hookline.yaml:1:45: not valid YAML: nested more than 40 levels deep"


def test_a_file_without_end_is_refused() -> None:
    assert complaint(path=Path("/dev/zero")) == (
        "/dev/zero: larger than 1000000 bytes; a configuration is no place for data"
    )


def test_text_in_another_encoding_is_refused_by_line(folder: Path) -> None:
    (folder / "hookline.yaml").write_bytes(b"job: a\nstore: \xe9\n")
    assert complaint() == "hookline.yaml:2: not UTF-8; save the file as UTF-8"


def test_a_byte_order_mark_is_no_key(folder: Path) -> None:
    (folder / "hookline.yaml").write_bytes(b"\xef\xbb\xbfjob: a\n")
    assert load_config().job == "a"


def test_countries_stay_text_and_numbers_are_numbers(write: Write) -> None:
    write(
        "plugins:\n  q:\n    set: [NO, SE, on, yes, off, 12:30]\n    numbers: [010, 0x1F, 1e3, .5, -.inf, +7]\n"
        "    others: [null, ~, True, 2024-02-29, '5', !!str 6]\n"
    )
    options = load_config().plugins[0].options
    assert options["set"] == ["NO", "SE", "on", "yes", "off", "12:30"]
    assert options["numbers"] == [10, 31, 1000.0, 0.5, float("-inf"), 7]
    assert [str(value) for value in options["others"]] == ["None", "None", "True", "2024-02-29", "5", "6"]


@given(text=st.text(alphabet="ab:-#[]{}&*!|>'\"%@`,? \n\t$0~<=\\\x00\x85\ud800é", max_size=60))
def test_any_text_gives_a_configuration_or_a_located_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "c.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    lines: list[str] = []
    try:
        load_config(path)
    except ConfigError as error:
        lines = str(error).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)


# -- values ------------------------------------------------------------------------------------------------------------


def test_all_problems_are_reported_together_by_line(write: Write) -> None:
    write(
        "version: 2\njbo: x\nbus:\n  notify_deadline_s: soon\n  decide_deadline: 3\nmeasure:\n  ways: [proof, vector]\n"
        "  deadline_s: true\noutbox: 5\nrequired_gates: [qualty]\nplugins:\n  quality:\n  console: 7\n"
    )
    assert complaint().splitlines() == [
        "hookline.yaml:1: version: found 2 (a whole number); should be 1",
        "hookline.yaml:2: jbo: unknown key (did you mean 'job'?); allowed: audit, bus, cost, environments, job, keys, labels, "
        "measure, outbox, plugins, publish, required_gates, state_dir, store, version",
        "hookline.yaml:4: bus.notify_deadline_s: found 'soon' (text); should be a number",
        "hookline.yaml:5: bus.decide_deadline: unknown key (did you mean 'decide_deadline_s'?); allowed: "
        "decide_deadline_s, notify_deadline_s",
        "hookline.yaml:7: measure.ways[1]: found 'vector' (text); should be 'proof', 'vectorised', 'observe' or "
        "'spark'",
        "hookline.yaml:8: measure.deadline_s: found true (true or false); should be a number",
        "hookline.yaml:9: outbox: found 5 (a whole number); should be a mapping (key: value)",
        "hookline.yaml:10: required_gates[0]: no enabled plugin is named 'qualty' (did you mean 'quality'?); enable it "
        "under plugins (enabled: quality, console)",
        "hookline.yaml:13: plugins.console: found 7 (a whole number); should be a mapping of options, nothing, or "
        "false to disable the plugin",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("job: 5", ":1: job: found 5 (a whole number); should be text; put it in quotes"),
        ("job: ''", ":1: job: found '' (text); should not be empty"),
        ("state_dir: ''", ":1: state_dir: found '' (text)"),
        ('state_dir: "a\\0b"', ":1: state_dir: found 'a\\x00b' (text); should be a path; it contains a NUL"),
        (
            "bus: {notify_deadline_s: 0}",
            ":1: bus.notify_deadline_s: found 0 (a whole number); should be greater than 0",
        ),
        ("bus: {notify_deadline_s: .nan}", ":1: bus.notify_deadline_s: found nan (a number); should be"),
        ("measure: {ways: []}", ":1: measure.ways: found a list; should not be empty"),
        ("measure: {ways: [spark, spark]}", ":1: measure.ways: found a list; should be a list without repetitions"),
        ("measure: {ways: spark}", ":1: measure.ways: found 'spark' (text); should be a list"),
        ("outbox: {max_bytes: 1.5}", ":1: outbox.max_bytes: found 1.5 (a number); should be a whole number"),
        ("outbox: {max_bytes: lots}", ":1: outbox.max_bytes: found 'lots' (text); should be a whole number"),
        ("store: ''", ":1: store: found text; should be sqlite:////path/to/store.db or postgresql+psycopg://"),
        ("store: mysql://u:p@h/d", ":1: store: found text; should be sqlite:////path/to/store.db or"),
        ("state_dir: hookline.yaml", ":1: state_dir: found 'hookline.yaml' (text); a file is in its place"),
        ("state_dir: hookline.yaml/x/y", ":1: state_dir: found 'hookline.yaml/x/y' (text); a file is in its place"),
        ("required_gates: quality", ":1: required_gates: found 'quality' (text); should be a list"),
        ("plugins: [quality]", ":1: plugins: found a list; should be a mapping (key: value)"),
        ("plugins: {'': {}}", ':1: plugins."": a plugin without a name'),
        ("plugins: {q: no}", ":1: plugins.q: found 'no' (text); should be a mapping of options, nothing, or false"),
        ("environments: [a]", ":1: environments: found a list; should be a mapping by name"),
        ("environments: {a: [b]}", ":1: environments.a: found a list; should be a mapping of the file's keys"),
        ('"\\e[31mred": 1', ':1: "?[31mred": unknown key'),
    ],
)
def test_wrong_values_are_explained(write: Write, text: str, expected: str) -> None:
    write(text)
    assert f"hookline.yaml{expected}" in complaint()


def test_an_item_of_a_list_that_is_wrong_is_all_that_is_wrong(write: Write) -> None:
    write("measure: {ways: [magic]}")
    assert complaint() == (
        "hookline.yaml:1: measure.ways[0]: found 'magic' (text); should be 'proof', 'vectorised', 'observe' or 'spark'"
    )


def test_a_state_folder_that_is_a_file_is_told_with_who_named_it(
    write: Write, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("job: a")
    monkeypatch.setenv("HOOKLINE_DIR", str(folder / "hookline.yaml"))
    assert complaint().startswith("$HOOKLINE_DIR: found '/")
    monkeypatch.setenv("HOOKLINE_DIR", "~nobody-of-this-name/state")
    assert load_config().state_dir == folder / "~nobody-of-this-name" / "state"


def test_every_store_that_the_configuration_takes_is_one_that_the_store_takes() -> None:
    for scheme in STORE_DRIVERS:
        assert parse(f"{scheme}:///place").drivername.startswith(scheme)


def test_problems_without_end_are_counted(write: Write) -> None:
    write("".join(f"key{number}: 1\n" for number in range(5_000)))
    *told, last = complaint().splitlines()
    assert len(told) == 30
    assert last == "… and 4,970 more problems"


def test_a_disabled_gate_is_an_error(write: Write) -> None:
    write("required_gates:\n  - quality\nplugins:\n  quality: false\n")
    assert complaint() == (
        "hookline.yaml:2: required_gates[0]: the plugin 'quality' is a required gate and is disabled; enable it, or "
        "drop the requirement"
    )


def test_plugins_keep_their_order_options_and_places(write: Write) -> None:
    write("plugins:\n  zeta: {a: [1, {b: 2}]}\n  off: false\n  alpha:\n  on: true\n  'pkg.mod:Cls': {x: y}\n")
    plugins = load_config().plugins
    assert [(entry.name, entry.options, str(entry.where)) for entry in plugins] == [
        ("zeta", {"a": [1, {"b": 2}]}, "hookline.yaml:2"),
        ("alpha", {}, "hookline.yaml:4"),
        ("on", {}, "hookline.yaml:5"),
        ("pkg.mod:Cls", {"x": "y"}, "hookline.yaml:6"),
    ]
    assert plugins[0].where == Location("hookline.yaml", 2)


# -- environments ------------------------------------------------------------------------------------------------------

LAYERED = """\
job: base
bus: {notify_deadline_s: 1}
required_gates: [a, b]
plugins:
  a: {deep: {x: 1, y: 2}, list: [1, 2]}
  b: false
  c: {k: 1}
environments:
  prod:
    bus: {decide_deadline_s: 9}
    required_gates: [a]
    plugins:
      d: {}
      a: {deep: {y: 3, z: 4}, list: [3]}
      b:
      c: false
  empty:
"""


def test_an_overlay_merges_mappings_and_replaces_the_rest(write: Write) -> None:
    write(LAYERED.replace("[a, b]", "[a]"))
    config = load_config(environment="prod")
    assert (config.environment, config.job) == ("prod", "base")
    assert (config.bus.notify_deadline_s, config.bus.decide_deadline_s) == (1, 9)
    assert config.required_gates == ("a",)
    assert [(entry.name, entry.options) for entry in config.plugins] == [
        ("a", {"deep": {"x": 1, "y": 3, "z": 4}, "list": [3]}),
        ("b", {}),
        ("d", {}),
    ]
    assert load_config().plugins[0].options == {"deep": {"x": 1, "y": 2}, "list": [1, 2]}
    assert load_config(environment="empty").plugins == load_config().plugins
    assert environment_names() == ("prod", "empty")


def test_an_overlay_without_base_plugins_adds_to_the_defaults(write: Write) -> None:
    write("environments:\n  prod:\n    plugins:\n      datadog:\n")
    assert [entry.name for entry in load_config(environment="prod").plugins] == ["console", "lineage", "datadog"]


def test_the_environment_comes_from_the_argument_then_the_variable(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("environments: {dev: {job: d}, prod: {job: p}}")
    monkeypatch.setenv("HOOKLINE_ENV", "dev")
    assert load_config().job == "d"
    assert load_config(environment="prod").job == "p"


def test_an_unknown_environment_lists_the_known(write: Write) -> None:
    assert complaint(environment="prod") == (
        "environment 'prod' is asked for, and there is no hookline.yaml that could define it"
    )
    write("environments: {dev: {}, prod: {}}")
    assert complaint(environment="prd") == (
        "hookline.yaml: there is no environment 'prd' (did you mean 'prod'?); defined here: dev, prod"
    )
    write("job: a")
    assert complaint(environment="dev") == "hookline.yaml: there is no environment 'dev'; defined here: none"


def test_a_problem_in_an_overlay_names_the_overlays_line(write: Write) -> None:
    write("bus: {notify_deadline_s: 1}\nenvironments:\n  prod:\n    bus:\n      notify_deadline_s: x\n")
    load_config()
    assert "hookline.yaml:5: bus.notify_deadline_s: found 'x' (text)" in complaint(environment="prod")


def test_keys_of_every_overlay_are_checked_with_the_files_own(write: Write) -> None:
    write("jbo: 1\nenvironments:\n  dev: {jobb: 1}\n  prod:\n    environments: {}\n")
    lines = complaint().splitlines()
    assert [line.split(" (did")[0].split("; ")[0] for line in lines] == [
        "hookline.yaml:1: jbo: unknown key",
        "hookline.yaml:3: environments.dev.jobb: unknown key",
        "hookline.yaml:5: environments.prod.environments: unknown key",
    ]


# -- variables ---------------------------------------------------------------------------------------------------------


def test_variables_are_filled_in(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "shop")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("LIMIT", "5")
    monkeypatch.setenv("TRICK", "[a, ${NAME}, $${x}]: !!int")
    write(
        'job: "${NAME}-${EMPTY}-${EMPTY:-e}-${GONE:-d}"\noutbox: {max_bytes: "${LIMIT}"}\n'
        'plugins: {p: {list: ["${TRICK}", "$${NAME}", "$NAME", "$$", "${GONE:-}"]}}\n'
    )
    config = load_config()
    assert config.job == "shop--e-d"
    assert config.outbox.max_bytes == 5
    assert config.plugins[0].options["list"] == ["[a, ${NAME}, $${x}]: !!int", "${NAME}", "$NAME", "$$", ""]


def test_an_undefined_variable_names_file_line_key_and_variable(write: Write) -> None:
    write(
        "job: a\nplugins:\n  p:\n    list:\n      - x\n      - ${HOOKLINE_TEST_GONE}\noutbox:\n  max_bytes: ${GONE_2}\n"
    )
    assert complaint().splitlines() == [
        "hookline.yaml:6: plugins.p.list[1]: the environment variable HOOKLINE_TEST_GONE is not set; set it, or give a "
        "default: ${HOOKLINE_TEST_GONE:-…}",
        "hookline.yaml:8: outbox.max_bytes: the environment variable GONE_2 is not set; set it, or give a default: "
        "${GONE_2:-…}",
    ]


def test_variables_of_what_is_not_used_need_not_be_set(write: Write) -> None:
    write("job: ${GONE}\nenvironments:\n  prod: {job: p, plugins: {x: {a: '${GONE_2}'}}}\n  dev: {job: d}\n")
    assert load_config(environment="dev").job == "d"


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A-b}", "${A:-${B}}", "${A B}", "a ${A"])
def test_malformed_variables_are_errors(write: Write, text: str) -> None:
    write(f"job: '{text}'\n")
    assert complaint().startswith("hookline.yaml:1: job: malformed ${…}; write ${NAME} or ${NAME:-default}")


@pytest.mark.parametrize(
    "text",
    [
        "outbox: {max_bytes: '${SECRET}'}",
        "outbox: {max_bytes: 'x${SECRET}'}",
        "store: [hunter2-hunter2]",
        "plugins: {p: hunter2-hunter2${NOTHING:-}}",
        "plugins: {auth: hunter2-hunter2}",
        "measure: {ways: ['${SECRET}']}",
        "job: [1]\nmeasure: {ways: ['https://u:hunter2-hunter2@host/']}",
        "version: ${SECRET}",
        "required_gates: ['${SECRET}']",
        "state_dir: 'hookline.yaml/${SECRET}'",
        "store: hunter2-hunter2",
        "hunter2-hunter2",
        "PASSWORD=hunter2-hunter2",
        "- hunter2-hunter2",
    ],
)
def test_no_error_shows_a_secret(write: Write, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SECRET", "hunter2-hunter2")
    write(text)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_neither_repr_nor_dump_shows_secrets(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    write("store: postgresql://u:${SECRET}@h/d\nplugins: {p: {password: '${SECRET}'}}\n")
    config = load_config()
    assert "hunter2" not in repr(config)
    assert config.store_url() == "postgresql://u:hunter2@h/d"
    assert config.plugins[0].options == {"password": "hunter2"}


# -- --set -------------------------------------------------------------------------------------------------------------


def test_overrides_are_laid_on_last(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "var")
    write(LAYERED.replace("[a, b]", "[a]"))
    config = load_config(
        environment="prod",
        overrides=[
            "job=${WHO}=x",
            "bus.notify_deadline_s=3",
            "measure.ways=[spark]",
            "plugins.a.deep.x=7",
            "plugins.c=",
            "plugins.d=false",
            'plugins."pkg.mod:Cls".opt={a: [1]}',
            "job=${WHO}=y",
        ],
    )
    assert (config.job, config.bus.notify_deadline_s, config.measure.ways) == ("var=y", 3, ("spark",))
    assert [(entry.name, entry.options) for entry in config.plugins] == [
        ("a", {"deep": {"x": 7, "y": 3, "z": 4}, "list": [3]}),
        ("b", {}),
        ("c", {}),
        ("pkg.mod:Cls", {"opt": {"a": [1]}}),
    ]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("bus", "--set: not of the form a.b.c=VALUE, such as --set bus.notify_deadline_s=5"),
        ("=x", "--set : not of the form"),
        ("bus..x=1", "--set bus..x: not of the form"),
        (".bus=1", "--set .bus: not of the form"),
        ('"bus=1', "not of the form"),
        (
            "jbo=1",
            "--set jbo: unknown key (did you mean 'job'?); allowed: audit, bus, cost, job, keys, labels, measure",
        ),
        ("environments.prod.job=1", "--set environments.prod.job: unknown key"),
        ("bus.notify_deadline_s=soon", "--set bus.notify_deadline_s: found 'soon' (text); should be a number"),
        ("bus.notify=1", "--set bus.notify: unknown key (did you mean 'notify_deadline_s'?)"),
        ("bus=[", "--set bus: not valid YAML: while parsing a flow node"),
        ("plugins.x={a: 1, a: 2}", "--set plugins.x: a: this key is given twice"),
        ("measure.ways.0=spark", "--set measure.ways.0: measure.ways: found a mapping; should be a list"),
        ("job=${HOOKLINE_TEST_GONE}", "--set job: the environment variable HOOKLINE_TEST_GONE is not set"),
        ("required_gates=[z]", "--set required_gates: required_gates[0]: no enabled plugin is named 'z'"),
    ],
)
def test_a_bad_override_is_named(override: str, expected: str) -> None:
    assert expected in complaint(overrides=[override])


@pytest.mark.parametrize(
    "override", ["store=[hunter2", "hunter2", "plugins.p.password=\thunter2", "store={a: hunter2}"]
)
def test_a_bad_override_does_not_show_its_value(override: str) -> None:
    text = ""
    try:
        load_config(overrides=[override])
    except ConfigError as error:
        text = str(error)
    assert "hunter2" not in text


# -- schema ------------------------------------------------------------------------------------------------------------


def test_the_schema_accepts_what_loads_and_refuses_what_does_not() -> None:
    schema = json.loads(json.dumps(config_schema()))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    good = {
        "version": 1,
        "bus": {"notify_deadline_s": "${DEADLINE:-2}"},
        "measure": {"ways": ["proof", "${WAY}"]},
        "outbox": None,
        "plugins": {"pkg.mod:Cls": {"any": 1}},
        "environments": {"prod": {"job": "x", "plugins": {"pkg.mod:Cls": False}}, "dev": None},
    }
    assert not list(validator.iter_errors(good))
    for bad in (
        {"version": 2},
        {"jbo": "x"},
        {"bus": {"notify_deadline_s": "soon"}},
        {"measure": {"ways": ["vector"]}},
        {"plugins": {"no such": {}}},
        {"environments": {"prod": {"environments": {}}}},
    ):
        assert list(validator.iter_errors(bad)), bad


def test_importing_the_configuration_pulls_in_no_vendor() -> None:
    code = (
        "import sys, hookline.core.config, hookline.core.loader\n"
        "heavy = {'pyspark', 'duckdb', 'pyarrow', 'pandas', 'numpy', 'sqlalchemy', 'botocore', 'delta'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"
