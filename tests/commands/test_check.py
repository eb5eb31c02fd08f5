"""``hookline check`` on real data, through the command itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.cli import main

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUITE = """\
dataset: "*/sales.parquet"
checks:
  - completeness: id
    severity: critical
  - completeness: {column: store, min_share: 0.75}
  - range: {column: price, min: 0, max: 10}
    tolerance: 1
  - set: {column: store, values: [A, B]}
  - pattern: {column: store, regex: "[A-Z]"}
  - unique: [id, store]
  - row_count: {min: 4, max: 4}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_DIR", str(tmp_path / "state"))


@pytest.fixture
def suite(tmp_path: Path) -> str:
    (tmp_path / "suite.yaml").write_text(SUITE)
    return "suite.yaml"


def write_sales(path: Path, ids: list[int | None]) -> None:
    table = pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "store": pa.array(["A", "B", None, "C"], pa.string()),
            "price": pa.array([0.0, 10.0, 10.5, None], pa.float64()),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def check(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["check", *arguments, "--json", "-"])
    return code, json.loads(capsys.readouterr().out)


def by_name(content: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    return {verdict["check"]: (verdict["status"], verdict["failing_rows"]) for verdict in content["verdicts"]}


JUDGED = {
    "completeness(id)": ("passed", 0),
    "completeness(store)": ("passed", 1),
    "range(price)": ("passed", 1),
    "set(store)": ("failed", 1),
    "pattern(store)": ("passed", 0),
    "unique(id, store)": ("passed", 0),
    "row_count": ("passed", None),
}


@pytest.mark.spark
class TestWithSpark:
    def test_a_file(self, spark: SparkSession, tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]) -> None:
        write_sales(tmp_path / "sales.parquet", [1, 2, 3, 4])
        code, content = check("sales.parquet", "--suite", suite, capsys=capsys)
        assert code == 0
        assert (content["version"], content["rows"]) == (1, 4)
        assert content["dataset"] == str(tmp_path / "sales.parquet")
        assert by_name(content) == JUDGED
        assert {verdict["way"] for verdict in content["verdicts"]} <= {"proof", "vectorised"}

    def test_a_failed_critical_check_is_code_3(
        self, spark: SparkSession, tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "sales.parquet", [1, None, 3, 4])
        assert main(["check", "./sales.parquet", "--suite", suite, "--json", "out.json"]) == 3
        shown = capsys.readouterr().out
        assert shown.splitlines()[0].split() == [
            "CHECK",
            "SEVERITY",
            "STATUS",
            "OBSERVED",
            "FAILING",
            "ROWS",
            "EXPECTED",
        ]
        assert "completeness(id)" in shown
        content = json.loads((tmp_path / "out.json").read_text())
        assert by_name(content)["completeness(id)"] == ("failed", 1)

    def test_each_way_is_explained_with_its_price(
        self, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "sales.parquet", [1, 2, 3, 4])
        write_sales(tmp_path / "others.parquet", [1, 2, 3, 9])
        (tmp_path / "s.yaml").write_text(
            "dataset: x\nchecks: [{completeness: id}, {pattern: {column: store, regex: '[A-B]'}}, {pattern: {column: store,"
            " regex: '(?=A).*'}}, {references: {columns: id, dataset: others.parquet}}, {quantile: {column: price,"
            " quantile: 0.5, max: 1}}, {mean: {column: pric, max: 1}}, {reconcile: {column: id, dataset: ./no.parquet}}]"
        )
        code, content = check("sales.parquet", "--suite", "s.yaml", "--explain", capsys=capsys)
        assert code == 0
        told = {one["check"]: (one["planned"], one["taken"], one["columns"]) for one in content["explain"]}
        assert told == {
            "completeness(id)": ("proof", "proof", []),
            "pattern(store)": ("vectorised", "vectorised", ["store"]),
            "pattern(store) #2": ("spark", "spark", ["store"]),
            "references(id)": ("vectorised", "vectorised", ["id"]),
            "quantile(price, 0.5)": ("vectorised", "vectorised", ["price"]),
            "mean(pric)": ("none", "none", []),
            "reconcile(id)": ("none", "none", ["id"]),
        }
        reasons = {one["check"]: one["why"] for one in content["explain"]}
        assert "RE2" in reasons["pattern(store) #2"]
        assert "did you mean 'price'?" in reasons["mean(pric)"]
        assert "no such path" in reasons["reconcile(id)"]
        sizes = {one["check"]: one["bytes"] for one in content["explain"]}
        assert sizes["completeness(id)"] == 0
        assert 0 < sizes["quantile(price, 0.5)"] < sizes["references(id)"]
        assert main(["check", "sales.parquet", "--suite", "s.yaml", "--explain"]) == 0
        before, after = capsys.readouterr().out.split("\n\n")
        assert before.splitlines()[0].split() == ["CHECK", "WAY", "READS", "AT", "MOST", "WHY", "NOT", "CHEAPER"]
        assert after.splitlines()[0].split()[:4] == ["CHECK", "SEVERITY", "STATUS", "WAY"]

    def test_a_folder_with_partitions_and_hidden_files(
        self, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "t" / "day=1" / "a.parquet", [1, 2, 3, 4])
        write_sales(tmp_path / "t" / "day=2" / "b.parquet", [1, 5, 6, 7])
        (tmp_path / "t" / "_SUCCESS").write_text("")
        (tmp_path / "s.yaml").write_text(
            "dataset: '*/t'\nchecks: [{unique: id}, {unique: [id, day]}, {range: {column: day, min: 2}}]\n"
        )
        code, content = check("t", "--suite", "s.yaml", capsys=capsys)
        assert (code, content["rows"]) == (0, 8)
        assert by_name(content) == {
            "unique(id)": ("failed", 2),
            "unique(id, day)": ("passed", 0),
            "range(day)": ("failed", 4),
        }

    def test_files_whose_columns_differ_are_read_as_spark_reads_them(
        self, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "t").mkdir()
        pq.write_table(pa.table({"a": [1, 2], "b": [1, None]}), tmp_path / "t" / "1.parquet")
        pq.write_table(pa.table({"a": [3, 4]}), tmp_path / "t" / "2.parquet")
        (tmp_path / "s.yaml").write_text("dataset: '*'\nchecks: [{completeness: b}, {unique: a}]\n")
        _, content = check("t", "--suite", "s.yaml", capsys=capsys)
        frame = spark.read.parquet(str(tmp_path / "t"))
        assert content["rows"] == frame.count() == 4
        expected = frame.where("b is null").count()
        assert by_name(content) == {"completeness(b)": ("failed", expected), "unique(a)": ("passed", 0)}

    def test_a_table_by_name(
        self, spark: SparkSession, tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "sales.parquet", [1, 2, 3, 4])
        spark.sql(f"CREATE TABLE checked_sales USING parquet LOCATION '{tmp_path / 'sales.parquet'}'")
        try:
            code, content = check("checked_sales", "--suite", suite, capsys=capsys)
        finally:
            spark.sql("DROP TABLE checked_sales")
        assert (code, content["rows"]) == (0, 4)
        assert by_name(content) == JUDGED

    def test_a_column_that_is_gone_is_an_error_and_refuses_when_critical(
        self, spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "sales.parquet", [1, 2, 3, 4])
        (tmp_path / "s.yaml").write_text(
            "dataset: '*'\nchecks: [{completeness: gone}, {range: {column: store, min: 1}}, {unique: id}]\n"
        )
        code, content = check("sales.parquet", "--suite", "s.yaml", capsys=capsys)
        assert code == 0
        assert [verdict["status"] for verdict in content["verdicts"]] == ["error", "error", "passed"]
        assert "gone" in content["verdicts"][0]["message"]
        (tmp_path / "s.yaml").write_text("dataset: '*'\nchecks: [{completeness: gone, severity: critical}]\n")
        assert check("sales.parquet", "--suite", "s.yaml", capsys=capsys)[0] == 3

    @pytest.mark.parametrize("place", ["none/here", "./none.parquet", "no_such_table", "empty"])
    def test_data_that_is_not_there_is_code_1(
        self, spark: SparkSession, tmp_path: Path, suite: str, place: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "empty").mkdir()
        assert main(["check", place, "--suite", suite]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert place in shown.err

    def test_a_file_that_is_no_parquet_is_code_1(
        self, spark: SparkSession, tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "data.csv").write_text("id,store\n1,A\n")
        assert main(["check", "data.csv", "--suite", suite]) == 1
        shown = capsys.readouterr().err
        assert "data.csv can't be read" in shown
        assert "is not Parquet" in shown

    def test_several_suites_of_which_none_is_meant(
        self, spark: SparkSession, tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_sales(tmp_path / "other.parquet", [1, 2, 3, 4])
        (tmp_path / "two.yaml").write_text("dataset: elsewhere\nchecks: [{unique: id}]\n")
        assert main(["check", "other.parquet", "--suite", suite, "--suite", "two.yaml"]) == 4
        assert "none of 2 suites is for" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--suite", "none.yaml"], "suites: 'none.yaml' names no file"),
        (["--suite", "bad.yaml"], "bad.yaml:3: checks[0].uniq: unknown check"),
        (["--suite", "suite.yaml", "--config", "none.yaml"], "none.yaml"),
        (["--suite", "suite.yaml", "--conf", "spark.master"], "--conf spark.master: a setting is KEY=VALUE"),
    ],
)
def test_mistakes_are_code_4_before_spark_starts(
    tmp_path: Path,
    suite: str,
    arguments: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyspark.sql.SparkSession.Builder.getOrCreate", lambda self: pytest.fail("Spark was started"))
    (tmp_path / "bad.yaml").write_text("dataset: a\nchecks:\n  - uniq: id\n")
    assert main(["check", "sales.parquet", *arguments]) == 4
    assert told in capsys.readouterr().err
