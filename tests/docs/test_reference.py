"""The reference's tables say what the code does: each is held against it, key by key."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import hookline.cli
from hookline import testing
from hookline.cli import main
from hookline.core import events, telemetry
from hookline.core.config import load_config
from hookline.core.config_models import FileModel
from hookline.core.errors import SinkError
from hookline.core.events import Column, ColumnInput, ColumnLineage, Dataset, ErrorInfo, Read, Verdict, utc_now
from hookline.core.hookspecs import HOOKS, Hooks, policy_of
from hookline.core.outbox import Outbox
from hookline.core.plugin_source import import_plugin, installed_plugins
from hookline.core.runtime import Runtime
from hookline.core.store import Store
from hookline.core.store.cataloguing import keep_layout
from hookline.core.store.classifying import StoredClassification, StoredScan, keep_scan
from hookline.core.store.packing import pack
from hookline.core.store.records import Layout
from hookline.core.summary import run_document
from hookline.governance.access import model as access
from hookline.governance.protection import policy as policies
from hookline.observability.alerts import options as alert_options
from hookline.observability.alerts.facts import DEFAULT_SEVERITIES, Kind
from hookline.observability.metrics import METRICS
from hookline.testing import sample_write

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
PLUGIN = """\
from typing import ClassVar
from hookline.core.hookspecs import hookimpl
from hookline.core.plugin import PluginConfig

class Clumsy:
    Config: ClassVar = PluginConfig
    def __init__(self, config, context): ...
    @hookimpl
    def on_write_finished(self, event, run):
        raise ValueError
"""
TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "true or false": (bool,),
    "list": (list,),
    "object": (dict,),
    "map": (dict,),
    "null": (NoneType,),
}


def tables(page: str, heading: str | None = None) -> Iterator[list[str]]:
    """The cells of every row of the page's tables, or of those under one heading."""
    text = (REFERENCE / page).read_text()
    if heading is not None:
        assert f"\n## {heading}\n" in text, f"{page} has no heading {heading!r}"
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and not set(cells[0]) <= {"-"} and cells[0].startswith("`"):
            yield cells


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# -- JSON documents ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A project in the working directory after a run in which everything happened; the run's summary."""
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR", "OPENLINEAGE_PARENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "reference_case_plugin.py").write_text(PLUGIN)
    (tmp_path / "hookline.yaml").write_text("plugins: {'reference_case_plugin:Clumsy': , nobody: false}\n")
    verdicts = (
        Verdict("share", "warn", "passed", 0.5, 0, "a share", ("id",), "proof"),
        Verdict("least", "error", "error", "a", message="no such column"),
        Verdict("rows", "info", "skipped"),
    )
    written = sample_write(verdicts=verdicts, opaque="an RDD", batch_id=1)
    failed = sample_write(write_id="2", error=ErrorInfo("E", "C"), published=False, rows=None, duration_s=None)
    runtime = Runtime(load_config())
    scope = runtime.open_run("daily")
    for write in (written, failed):
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=write.error is not None)
    scope.note("a note")
    ended = runtime.close_run(scope, exit_code=1, error=ErrorInfo("E", "C"))
    runtime.close()
    assert ended is not None
    return run_document(scope.run, ended)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments]) == 0
    return json.loads(capsys.readouterr().out)


def outbox_document(capsys: pytest.CaptureFixture[str]) -> Any:
    class Refusing:
        batch_size = 1

        def deliver(self, messages: object) -> None:
            raise SinkError("no such channel", retryable=False)

    outbox = Outbox(Path(".hookline") / "outbox.db")
    outbox.register("slack", Refusing())
    outbox.put("slack", {})
    outbox.put("datadog", {})
    outbox.start()
    outbox.close(10)
    return printed(capsys, "outbox", "status", "--json")


def schema_document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Of a table with two versions, from which another one was made."""
    runtime = Runtime(load_config())
    for job, columns in (("one", "struct<x:int>"), ("two", "struct<x:string>")):
        scope = runtime.open_run(job)
        inner = (Column("x", columns[9:-1]),)
        table = sample_write(
            write_id=scope.next_write_id(), started_at=utc_now(), columns=(Column("a", columns, True, inner),)
        )
        copy = sample_write(
            write_id=scope.next_write_id(), dataset=Dataset("file", "/copy"), inputs=(Read(table.dataset),), columns=()
        )
        for write in (table, copy):
            scope.record_write_started(write)
            scope.record_write_ended(write, failed=False)
        runtime.close_run(scope)
    runtime.close()
    return printed(capsys, "lineage", "schema", "orders", "--json")


def lineage_document(capsys: pytest.CaptureFixture[str], action: str, *name: str) -> Any:
    """Of an event in which everything is told, and one in which nothing is."""
    ways = [{"type": "DIRECT", "subtype": "TRANSFORMATION", "masking": True, "description": "a Python function"}]
    mail = {"namespace": "db", "name": "raw", "field": "mail", "transformations": ways}
    facets = {
        "columnLineage": {"fields": {"hash": {"inputFields": [mail]}}, "hookline_gaps": ["a gap"]},
        "schema": {"fields": [{"name": "hash", "type": "string"}]},
        "ownership": {"owners": [{"name": "team"}]},
        "tags": {"tags": [{"key": "layer", "value": "gold"}]},
        "symlinks": {"identifiers": [{"namespace": "hive", "name": "shop.people", "type": "TABLE"}]},
        "dataQualityAssertions": {"assertions": [{"assertion": "a", "success": True}]},
    }
    people = {
        "namespace": "db",
        "name": "people",
        "facets": facets,
        "outputFacets": {"outputStatistics": {"rowCount": 1}},
    }
    told = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "run": {"runId": "r", "facets": {"hookline_write": {"operation": "append", "published": True}}},
        "job": {"namespace": "jobs", "name": "etl"},
        "inputs": [{"namespace": "db", "name": "raw"}],
        "outputs": [people],
    }
    bare = {"run": {"runId": "s"}, "eventType": "COMPLETE", "job": told["job"], "inputs": [people | {"facets": {}}]}
    bare["outputs"] = [{"namespace": "db", "name": "page"}]
    Path("events.ndjson").write_text(json.dumps(told) + "\n" + json.dumps(bare) + "\n")
    return printed(capsys, "lineage", action, *name, "--events", "events.ndjson", "--format", "json")


def impact_document(capsys: pytest.CaptureFixture[str]) -> Any:
    """What it has more than the export."""
    document = lineage_document(capsys, "impact", "raw.mail")
    whole = lineage_document(capsys, "impact", "raw")
    document["impact"] += whole["impact"]
    return {key: value for key, value in document.items() if key not in ("version", "nodes", "edges")}


def alerts_document(capsys: pytest.CaptureFixture[str]) -> Any:
    channel = "{type: webhook, webhook_url: 'http://127.0.0.1:1/'}"
    Path("alerts.yaml").write_text(f"plugins: {{alerts: {{channels: {{bot: {channel}}}}}}}\n")
    assert main(["alerts", "test", "--config", "alerts.yaml", "--json"]) == 1, "nobody listens"
    return json.loads(capsys.readouterr().out)


def catalog_document(capsys: pytest.CaptureFixture[str]) -> Any:
    """Of a dataset of which everything is known, and of others."""
    store = Store(load_config().store_url())
    found = StoredClassification("email", "EMAIL_ADDRESS", 0.9, 1.0, False)
    scans = [
        StoredScan("file", place, utc_now().isoformat(), None, "x", 3, 3, (found,)) for place in ("/data/orders", "/x")
    ]
    origin = ColumnLineage({"e": (ColumnInput(Dataset("file", "/x"), "email", "DIRECT", "IDENTITY"),)})
    runtime = Runtime(load_config())
    scope = runtime.open_run("copy")
    state = {"kind": "bigint", "rows": 3, "nulls": 0, "complete": True, "counts": [["1", 3]]}
    profile = {"rows": 3, "columns": [["order_id", "bigint", state, ""]], "relations": None}
    copy = sample_write(
        write_id=scope.next_write_id(),
        dataset=Dataset("file", "/copy"),
        columns=(Column("e", "string"),),
        column_lineage=origin,
    )
    orders = sample_write(
        write_id=scope.next_write_id(), operation="create", verdicts=(Verdict("rows", "critical", "failed"),)
    )
    for write in (copy, orders):
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=False)
    place = {"run_id": scope.run.run_id, "write_id": orders.write_id, "part": "", "dataset": ["file", "/data/orders"]}
    told = {**place, "started_at": utc_now().isoformat(), "rows": 3, "document": pack(profile)}
    runtime.outbox.put("store", told, kind="profile", order_key=scope.run.run_id)
    runtime.close_run(scope)
    runtime.close()
    layout = Layout(
        "file", "/data/orders", utc_now().isoformat(), "parquet", "file:/data/orders", "a.orders", ("order_id",)
    )
    with store.transaction() as connection:
        keep_layout(store, connection, layout.payload())
        for scan in scans:
            keep_scan(store, connection, scan.payload())
    store.close()
    said = ("--owner", "o", "--description", "d", "--comment", "email=c", "--tag", "t=1")
    assert main(["catalog", "describe", "/data/orders", *said, "--set", "plugins={}"]) == 0
    assert main(["catalog", "certify", "/data/orders", "reviewed", "--reason", "r", "--set", "plugins={}"]) == 0
    capsys.readouterr()
    return printed(capsys, "catalog", "search", "--json", "--set", "plugins={}")


def measured_runs(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The ids of two runs of a job with a history, the last of which is slow and costs money."""
    Path("hookline.yaml").write_text("plugins: {metrics: {}}\ncost: {platform: glue}\nlabels: {tags: {team: x}}\n")
    made = []
    for number in range(10):
        runtime = Runtime(load_config())
        spent = telemetry.Telemetry("tag", executor_run_s=500.0, gc_s=400.0 if number == 9 else 0.0)
        runtime.spending = Spends()
        scope = runtime.open_run("measured")
        rows = 500 if number == 9 else 100
        write = sample_write(write_id=scope.next_write_id(), rows=rows, finished_at=utc_now(), telemetry=spent)
        scope.record_write_started(write)
        scope.record_write_ended(write, failed=False)
        runtime.close_run(scope)
        runtime.close()
        made.append(scope.run.run_id)
    return made[-2:]


class Spends:
    """Knows of a run what a real application would tell."""

    def run_began(self, run: Any) -> None: ...

    def of_run(self, run: Any) -> telemetry.RunTelemetry:
        cores = 1000.0
        return telemetry.RunTelemetry(known=True, master="yarn", core_s=cores, executor_run_s=cores)

    def close(self) -> None: ...


def measured_document(capsys: pytest.CaptureFixture[str]) -> Any:
    """What the document of a run has more when it was measured."""
    document = printed(capsys, "runs", measured_runs(capsys)[-1], "--json")
    return {name: document[name] for name in MEASURED}


MEASURED = ("metrics", "telemetry", "advice", "cost", "anomalies", "regressions", "spent")


DOCUMENTS: Mapping[str, Callable[[pytest.CaptureFixture[str]], Any]] = {
    "`hookline runs --json`": lambda capsys: printed(capsys, "runs", "--json"),
    "A run that was measured": measured_document,
    "`hookline runs diff RUN RUN --json`": lambda capsys: printed(
        capsys, "runs", "diff", *measured_runs(capsys), "--json"
    ),
    "`hookline plugins --json`": lambda capsys: printed(capsys, "plugins", "--json"),
    "`hookline lineage export --format json`": lambda capsys: lineage_document(capsys, "export"),
    "`hookline lineage impact NAME --format json`": impact_document,
    "`hookline lineage schema NAME --json`": schema_document,
    "`hookline outbox status --json`": outbox_document,
    "`hookline alerts test --json`": alerts_document,
    "`hookline catalog search --json`": catalog_document,
}


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a document with each of its values."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = f"{path}.{key}" if path else key
            yield name, item
            if not name.endswith(
                ("failures_by_hook", ".tags", ".counts", "metrics", "telemetry", ".evidence", ".baseline")
            ):
                yield from values(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from values(item, f"{path}[]")


def assert_described(heading: str, *documents: Any) -> None:
    described = {name: cells[1] for cells in tables("json.md", heading) for name in names(cells[0])}
    seen = [pair for document in documents for pair in values(document)]
    assert {name for name, _ in seen} == set(described)
    for name, value in seen:
        allowed = [
            one for word in re.split(r", | or (?=null|absent)", described[name]) for one in [word] if one != "absent"
        ]
        kinds = tuple(kind for word in allowed for kind in TYPES[word])
        assert type(value) in kinds, f"{name} is {value!r}, and the page says {described[name]}"


def test_a_runs_document(ran: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert_described("A run", ran, printed(capsys, "runs", ran["run_id"], "--json"))


@pytest.mark.parametrize("heading", DOCUMENTS)
def test_a_commands_document(ran: dict[str, Any], capsys: pytest.CaptureFixture[str], heading: str) -> None:
    assert_described(heading, DOCUMENTS[heading](capsys))


# -- hooks -------------------------------------------------------------------------------------------------------------


def test_every_hook_is_told_with_its_arguments_and_its_policy() -> None:
    rows = {names(cells[0])[0]: cells[1:] for cells in tables("hooks.md")}
    assert list(rows) == list(HOOKS)
    for hook, (arguments, returns, policy) in rows.items():
        signature = inspect.signature(getattr(Hooks, hook))
        wanted = [f"{name}: {parameter.annotation}" for name, parameter in signature.parameters.items()][1:]
        assert names(arguments) == wanted
        answer = str(signature.return_annotation).removesuffix(" | None")
        assert names(returns) == ([] if answer == "None" else [answer])
        assert policy == policy_of(hook)


# -- events, and what tests them ----------------------------------------------------------------------------------------


EVENTS = re.findall(r"^## (\w+)$", (REFERENCE / "events.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_told_field_by_field(name: str) -> None:
    rows = [(names(cells[0])[0], names(cells[1])[0]) for cells in tables("events.md", name)]
    assert rows == [(field.name, field.type) for field in dataclasses.fields(getattr(events, name))]


def test_every_event_is_told() -> None:
    handed = [inspect.signature(getattr(Hooks, hook)).parameters["event"].annotation for hook in HOOKS]
    assert set(EVENTS) >= set(handed)


def test_every_measure_is_told_with_what_it_takes() -> None:
    told = [name for cells in tables("measures.md") for name in names(cells[0])]
    found = {}
    for name in told:
        method, _, taken = name.removesuffix(")").partition("(")
        found[method] = [part.strip(" *") for part in taken.split(",") if part]
    made = {name: method for name, method in vars(events.Measure).items() if isinstance(method, classmethod)}
    assert set(found) == set(made)
    for name, taken in found.items():
        wanted = [*inspect.signature(getattr(events.Measure, name)).parameters]
        assert taken == [one for one in wanted if one not in ("dataset", "required", "where")], name


def test_what_plugins_are_tested_with_is_told() -> None:
    told = {name for cells in tables("testing.md") for name in re.findall(r"\w+", names(cells[0])[0])}
    assert set(testing.__all__) <= told
    own = {name for name in vars(testing.BusUnderTest) if not name.startswith("_")}
    given = {
        name
        for cells in tables("testing.md", "The fixture `hookline_bus`")
        for cell in names(cells[0])
        for name in [cell.partition("(")[0]]
    }
    assert given == own | {"outbox", "folder", "run"}


# -- configuration -----------------------------------------------------------------------------------------------------


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Each key of a model with its default and its description, as the page shows them."""
    for name, field in model.model_fields.items():
        section = next((kind for kind in (field.annotation, *get_args(field.annotation)) if is_model(kind)), None)
        if section is not None:
            yield from keys_of(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", shown_default(field), field.description or ""


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def shown_default(field: Any) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined or default in (None, (), {}):
        return "none"
    return f"`[{', '.join(default)}]`" if isinstance(default, tuple) else f"`{default}`"


def test_every_key_of_the_configuration_is_told_as_its_model_has_it() -> None:
    expected = {key: (default, meaning) for key, default, meaning in keys_of(FileModel)}
    for plugin in installed_plugins():
        if plugin.distribution in (None, "hookline"):
            options = keys_of(import_plugin(plugin).Config, f"plugins.{plugin.name}.")
            expected |= {key: (default, meaning) for key, default, meaning in options}
    rows = {names(cells[0])[0]: (cells[1], cells[2]) for cells in tables("configuration.md")}
    assert rows == expected


CHANNELS: Mapping[str, type[BaseModel]] = {
    "slack": alert_options.SlackOptions,
    "email": alert_options.EmailOptions,
    "pagerduty": alert_options.PagerDutyOptions,
    "sns": alert_options.SnsOptions,
    "webhook": alert_options.WebhookOptions,
}


def test_every_option_of_a_channel_is_told_as_its_model_has_it() -> None:
    def told(heading: str) -> dict[str, tuple[str, str]]:
        return {names(cells[0])[0]: (cells[1], cells[2]) for cells in tables("alerts.md", heading)}

    def options(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
        fields = model.model_fields.items()
        return {name: (shown_default(field), field.description or "") for name, field in fields}

    common = options(alert_options.ChannelOptions)
    assert told("Every channel") == common
    assert told("quiet_hours") == options(alert_options.QuietHours)
    for heading, model in CHANNELS.items():
        assert told(heading) == {key: row for key, row in options(model).items() if key not in common}
        assert options(model)["type"][1] == heading


def test_every_kind_of_alert_is_told_with_its_severity() -> None:
    rows = {names(cells[0])[0]: cells[2] for cells in tables("alerts.md", "Kinds")}
    assert list(rows) == list(get_args(Kind))
    for kind, severity in DEFAULT_SEVERITIES.items():
        assert rows[kind].startswith(severity) or kind == "check_failed"


# -- metrics and telemetry -------------------------------------------------------------------------------------------


def test_every_metric_is_told_as_the_catalogue_has_it() -> None:
    told = {
        names(cells[0])[0]: (per, cells[1], cells[2], tuple(names(cells[3])), cells[4])
        for heading, per in (("Of a write", "write"), ("Of a run", "run"), ("Of the process", "process"))
        for cells in tables("metrics.md", heading)
    }
    assert told == {m.name: (m.per, m.unit, m.kind, m.tags, m.description) for m in METRICS.values()}


@pytest.mark.parametrize("name", re.findall(r"^## (\w+)$", (REFERENCE / "telemetry.md").read_text(), re.MULTILINE))
def test_telemetry_is_told_field_by_field(name: str) -> None:
    rows = [(names(cells[0])[0], names(cells[1])[0]) for cells in tables("telemetry.md", name)]
    assert rows == [(field.name, field.type) for field in dataclasses.fields(getattr(telemetry, name))]


# -- commands ----------------------------------------------------------------------------------------------------------


def test_every_command_is_told() -> None:
    told = {
        names(cells[0])[0].split()[1] for cells in tables("commands.md") if names(cells[0])[0].startswith("hookline ")
    }
    assert told == set(hookline.cli._own_names())


def test_every_page_of_the_reference_is_linked_in_the_readme() -> None:
    readme = (REFERENCE.parents[1] / "README.md").read_text()
    assert [page.name for page in REFERENCE.glob("*.md") if f"docs/reference/{page.name}" not in readme] == []


# -- policies ----------------------------------------------------------------------------------------------------------

RULES = {
    "tokenize": policies.Tokenize,
    "encrypt": policies.Encrypt,
    "fpe": policies.Fpe,
    "mask": policies.Mask,
    "redact": policies.Redact,
    "generalize": policies.Generalize,
    "fake": policies.Fake,
}


def test_every_key_of_a_policy_is_told_as_its_model_has_it() -> None:
    def told(heading: str) -> dict[str, tuple[str, str]]:
        return {names(cells[0])[0]: (cells[1], cells[2]) for cells in tables("policies.md", heading)}

    def options(model: type[BaseModel]) -> dict[str, tuple[str, str]]:
        fields = model.model_fields.items()
        return {name: (shown_default(field), field.description or "") for name, field in fields}

    common = options(policies.Rule)
    assert told("A policy") == options(policies.Policy)
    assert told("`reveal`") == options(policies.Reveal)
    assert told("`consent`") == options(policies.Consent)
    assert told("`at_rest`") == options(policies.AtRest)
    assert told("`erase`") == options(policies.Erase)
    assert told("`retention`") == options(policies.Retention)
    assert told("Every rule") == common
    actions = {get_args(kind.model_fields["action"].annotation)[0] for kind in get_args(policies.Rules)}
    assert {*RULES, "drop"} == actions
    for heading, model in RULES.items():
        assert told(f"`{heading}`") == {
            key: row for key, row in options(model).items() if key not in {*common, "action"}
        }


ACCESS = {
    "A policy": access.AccessPolicy,
    "`principals`": access.Principal,
    "`tags`": access.Tag,
    "`carried`": access.Carried,
    "`tables`": access.Table,
    "`rules`": access.Rule,
    "`columns`": access.ColumnChoice,
    "`masks`": access.Mask,
}


@pytest.mark.parametrize("heading", ACCESS)
def test_every_key_of_an_access_policy_is_told_as_its_model_has_it(heading: str) -> None:
    rows = {names(cells[0])[0]: (cells[1], cells[2]) for cells in tables("access.md", heading)}
    fields = ACCESS[heading].model_fields.items()
    assert rows == {name: (shown_default(field), field.description or "") for name, field in fields}
