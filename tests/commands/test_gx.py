"""``hookline gx``, and suites of Great Expectations in ``hookline check``."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.cli import main

pytest.importorskip("great_expectations")
SUITE = {
    "name": "sales",
    "expectations": [
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}, "severity": "critical"},
        {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "id"}, "severity": "info"},
        {
            "type": "expect_column_median_to_be_between",
            "kwargs": {"column": "id", "max_value": 1},
            "severity": "warning",
        },
    ],
}


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_DIR", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "sales.json").write_text(json.dumps(SUITE))


@pytest.mark.spark
def test_check_takes_a_suite_of_great_expectations(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1, 2, 3]}), tmp_path / "t.parquet")
    assert main(["check", "t.parquet", "--suite", "sales.json", "--explain"]) == 0
    told = capsys.readouterr().out
    assert "Great Expectations itself looks at the rows" in told
    assert main(["check", "t.parquet", "--suite", "sales.json", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["verdicts"]
    assert [(one["status"], one["way"], one["observed"]) for one in found] == [
        ("passed", "vectorised", 0),
        ("passed", "spark", 0),
        ("failed", "vectorised", 2),
    ]
    # The same in YAML, in the name of the kind.
    assert main(["gx", "import", "sales.json", "--dataset", "*/t.parquet", "--out", "sales.yaml"]) == 0
    capsys.readouterr()
    assert main(["check", "t.parquet", "--suite", "sales.yaml", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] == found


def test_suites_go_out_and_come_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("dataset: a\nchecks:\n  - unique: id\n  - entropy: {column: id, min: 1}\n")
    assert main(["gx", "export", "own.yaml", "--out", "out"]) == 0
    said = capsys.readouterr().err
    assert "own: entropy(id): left out: Great Expectations has nothing like it" in said
    assert main(["gx", "import", "out/own.json"]) == 0
    assert "expect_column_values_to_be_unique" in capsys.readouterr().out
    assert main(["gx", "export", "own.yaml"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "own"


def test_rules_make_suites(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "columns: {'*_id': [{expect_column_values_to_not_be_null: {}}]}\ndatasets: {a/b: {columns: [x_id, y]}}\n"
    )
    assert main(["gx", "generate", "r.yaml", "--out", "out"]) == 0
    document = json.loads((tmp_path / "out" / "a_b.json").read_text())
    assert [one["kwargs"] for one in document["expectations"]] == [{"column": "x_id"}]
    assert main(["gx", "generate", "no.yaml", "--out", "out"]) == 4
    assert "no.yaml: can't be read" in capsys.readouterr().err


@pytest.mark.spark
def test_rules_learn_columns_from_the_data(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    pq.write_table(pa.table({"x_id": [1], "y": [2]}), tmp_path / "lake" / "t.parquet")
    (tmp_path / "r.yaml").write_text(
        "columns: {'*_id': [{expect_column_values_to_not_be_null: {}}]}\ndatasets: {t.parquet: {suite: t}}\n"
    )
    assert main(["gx", "generate", "r.yaml", "--out", "out", "--data", "lake"]) == 0
    document = json.loads((tmp_path / "out" / "t.json").read_text())
    assert [one["kwargs"] for one in document["expectations"]] == [{"column": "x_id"}]


@pytest.mark.spark
def test_a_context_holds_suites_and_has_docs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["gx", "docs", "--context", "nowhere"]) == 1
    assert main(["gx", "store", "sales.json", "--context", "project"]) == 0
    assert (tmp_path / "project" / "gx" / "checkpoints" / "sales.json").exists()
    capsys.readouterr()
    assert main(["gx", "docs", "--context", "project"]) == 0
    assert capsys.readouterr().out.strip().endswith("index.html")


def test_a_suite_that_is_wrong_is_a_configuration_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"name": "s", "expectations": [{"type": "expect_nothing_at_all"}]}')
    assert main(["gx", "import", "bad.json"]) == 4
    assert "bad.json: expectations[0]" in capsys.readouterr().err
