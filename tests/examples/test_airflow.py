"""The Airflow example, with stand-ins for Airflow's classes and a stand-in for the command."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hookline.core.events import Verdict

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "airflow" / "hookline_gate.py"


class AirflowError(Exception):
    pass


class AirflowFailError(AirflowError):
    pass


class Task:
    log = logging.getLogger("task")

    def __init__(self, task_id: str, **known: Any) -> None:
        self.task_id = task_id
        self.known = known
        self.before: list[Task] = []

    def __rshift__(self, other: Any) -> Any:
        for task in other if isinstance(other, list) else [other]:
            task.before.append(self)
        return other

    def __rrshift__(self, others: list[Task]) -> Task:
        self.before += others
        return self


class Dag:
    def __init__(self, **known: Any) -> None:
        self.known = known

    def __enter__(self) -> Dag:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    contents: dict[str, dict[str, Any]] = {
        "airflow": {"DAG": Dag},
        "airflow.exceptions": {"AirflowException": AirflowError, "AirflowFailException": AirflowFailError},
        "airflow.models": {},
        "airflow.models.baseoperator": {"BaseOperator": Task},
        "airflow.operators": {},
        "airflow.operators.bash": {"BashOperator": Task},
    }
    for name, names in contents.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("hookline_gate", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def gate(example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The operator, with a command that writes down how it was called and ends as it is told."""

    def make(code: int, verdicts: list[Verdict], stderr: str = "") -> Any:
        import dataclasses

        answer = json.dumps({"version": 1, "verdicts": [dataclasses.asdict(verdict) for verdict in verdicts]})
        (tmp_path / "answer").write_text(answer)
        command = tmp_path / "hookline"
        command.write_text(
            f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/called\ncat {tmp_path}/answer\necho '{stderr}' >&2\nexit {code}\n"
        )
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return example.HooklineCheckOperator(
            task_id="gate", place="lake/orders", suites=["a.yaml", "b.yaml"], settings={"spark.master": "local[1]"}
        )

    return make


PASSED = Verdict("unique(id)", "critical", "passed")
FAILED = Verdict("range(price)", "critical", "failed")
TOLD = Verdict("format(mail)", "warn", "failed")
UNKNOWN = Verdict("mean(price)", "error", "error", required=True)


def test_the_dag_puts_the_gate_before_publication(example: Any) -> None:
    assert [task.task_id for task in example.publish.before] == ["gate", "gate_in_bash"]
    assert [task.task_id for task in example.gate.before] == ["load"]


def test_what_passes_returns_its_verdicts(gate: Any, tmp_path: Path) -> None:
    verdicts = gate(0, [PASSED, TOLD]).execute({})
    assert [verdict["check"] for verdict in verdicts] == ["unique(id)", "format(mail)"]
    called = (tmp_path / "called").read_text().split()
    wanted = "check lake/orders --json - --suite a.yaml --suite b.yaml --conf spark.master=local[1]"
    assert called == wanted.split()


def test_what_is_refused_fails_at_once_and_names_the_checks(gate: Any) -> None:
    with pytest.raises(AirflowFailError, match=r"^lake/orders is refused by range\(price\), mean\(price\)$"):
        gate(3, [PASSED, FAILED, TOLD, UNKNOWN]).execute({})


def test_what_cannot_be_read_is_tried_again(gate: Any) -> None:
    with pytest.raises(AirflowError, match="there is no such path") as caught:
        gate(1, [], "there is no such path").execute({})
    assert not isinstance(caught.value, AirflowFailError)


def test_a_wrong_suite_fails_at_once(gate: Any) -> None:
    with pytest.raises(AirflowFailError, match="unknown check"):
        gate(4, [], "unknown check").execute({})
