"""``hookline scan``, as a steward types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.cli import main

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture
def people(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, in a folder with a configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookline.yaml").write_text("plugins: {presidio: {values: 80}}\n")
    frame = spark.range(120).selectExpr("id", "concat('canary', id, '@example.org') as mail", "'canary note' as note")
    frame.write.parquet(str(tmp_path / "people"))
    return tmp_path / "people"


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["scan", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_columns_are_told_with_reasons_and_no_value(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, str(people), "--why")
    assert code == 0
    assert "120 rows, 120 of them drawn, 3 columns" in out
    assert [line.split() for line in out.splitlines() if line.startswith("mail ")] == [
        ["mail", "EMAIL_ADDRESS", "1.00", "100%", "values"]
    ]
    assert "the column's name says it" in out
    assert "canary" not in out


def test_as_json_and_kept_with_what_is_known_of_all(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, str(people), "--json", "-")
    document: Any = json.loads(out)
    assert (code, document["version"], document["rows"]) == (0, 1, 120)
    assert [column["values"] for column in document["columns"]] == [80, 80, 1]
    (found,) = document["found"]
    assert (found["column"], found["entity"], found["share"]) == ("mail", "EMAIL_ADDRESS", 1.0)
    code, out, _ = said(capsys, "--known", "--json", "known.json")
    assert ("EMAIL_ADDRESS" in out, "found here" in out) == (True, True)
    (known,) = json.loads(Path("known.json").read_text())["columns"]
    assert (known["column"], known["inherited_from"]) == ("mail", None)


def test_nothing_is_kept_where_that_is_not_wanted(people: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, str(people), "--no-store")[0] == 0
    assert "no column is known" in said(capsys, "--known")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        ([], 4, "name the data"),
        (["x/y", "--known"], 4, "name the data"),
        (["none/there"], 1, "there is no such path"),
        (["people", "--rows", "5"], 4, "at least 100"),
        (["people", "--set", "plugins.presidio.countries=[zz]"], 4, "no recognizer of 'zz'"),
        (["people", "--json", "no/such/folder.json"], 1, "can't be written"),
    ],
)
def test_what_can_not_be_done_is_told(
    people: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, what: str
) -> None:
    got, _, err = said(capsys, *arguments)
    assert (got, what in err) == (code, True), err
