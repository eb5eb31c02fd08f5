"""``hookline profile`` on real data, through the command itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hookline.cli import main
from hookline.quality.suite import load_suites

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_DIR", str(tmp_path / "state"))


def write(path: Path, *, rows: int = 2000, shops: int = 4, factor: float = 1) -> None:
    numbers = range(rows)
    table = pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "shop": [f"Shop {number % shops}" for number in numbers],
            "mail": [f"someone{number}@example.org" for number in numbers],
            "price": [factor * (number % 50) / 4 for number in numbers],
            "note": pa.array([None if number % 4 else "checked" for number in numbers], pa.string()),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def profile(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["profile", *arguments]) == 0
    return capsys.readouterr().out


def test_a_table_for_people_shows_no_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake" / "sales.parquet")
    told = profile("lake/sales.parquet", capsys=capsys)
    lines = {line.split()[0]: line for line in told.splitlines() if line}
    assert "2,000 rows, 5 columns" in told
    assert "75 %" in lines["note"]
    assert "Aaaa 9 100 %" in lines["shop"]
    assert "Keys in a sample of 2,000 rows: id, mail" in told
    for secret in ("Shop 1", "someone", "checked"):
        assert secret not in told
    shown = profile("lake/sales.parquet", "--show", "sh*", capsys=capsys)
    assert "Shop 0 25 %" in shown
    assert "someone" not in shown


def test_json_tells_all_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake" / "sales.parquet")
    told: dict[str, Any] = json.loads(profile("lake/sales.parquet", "--json", "-", capsys=capsys))
    assert (told["version"], told["rows"]) == (1, 2000)
    columns = {column["column"]: column for column in told["columns"]}
    price = columns["price"]
    assert (price["min"], price["max"], price["distinct"], price["distinct_exact"]) == (0, 12.25, 50, True)
    assert price["mean"] == pytest.approx(6.125)
    assert price["quantiles"]["0.5"] == pytest.approx(6.125, abs=0.3)
    assert sum(count for _, _, count in price["histogram"]) == 2000
    assert columns["shop"]["min"] is None
    assert all(value.startswith("#") for value, _ in columns["shop"]["top"])
    assert columns["mail"]["shapes"][0][0].startswith("aaaaaaa")
    assert ["id"] in told["relations"]["candidate_keys"]


def test_a_suite_is_suggested_and_then_evolves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake" / "sales.parquet")
    told = profile("lake/sales.parquet", "--suggest", "suite.yaml", "--show", "shop", capsys=capsys)
    (suite,) = load_suites(Path("suite.yaml"))
    assert f"{len(suite.checks)} checks that hold on this data are in suite.yaml" in told
    names = {check.name for check in suite.checks}
    assert {
        "unique(id)",
        "set(shop)",
        "format(mail)",
        "range(price)",
        "completeness(id)",
        "schema",
        "row_count",
    } <= names
    assert main(["check", "lake/sales.parquet", "--suite", "suite.yaml"]) == 0
    assert "failed" not in capsys.readouterr().out
    assert "nothing is proposed" in profile(
        "lake/sales.parquet", "--suggest", "suite.yaml", "--show", "shop", capsys=capsys
    )
    assert not Path("suite.yaml.proposed").exists()
    before = Path("suite.yaml").read_text()
    write(tmp_path / "lake" / "sales.parquet", shops=6, factor=40)
    told = profile("lake/sales.parquet", "--suggest", "suite.yaml", "--show", "shop", capsys=capsys)
    assert "change set(shop): it fails now" in told
    assert "change range(price): it fails now" in told
    assert Path("suite.yaml").read_text() == before
    capsys.readouterr()
    assert main(["check", "lake/sales.parquet", "--suite", "suite.yaml.proposed"]) == 0
    assert "failed" not in capsys.readouterr().out


def test_a_key_is_held_against_the_dataset_that_knows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "lake" / "sales.parquet")
    pq.write_table(pa.table({"shop": [f"Shop {number}" for number in range(9)]}), tmp_path / "lake" / "shops.parquet")
    pq.write_table(pa.table({"id": pa.array(range(1990), pa.int64()), "price": ["a"] * 1990}), tmp_path / "ids.parquet")
    references = [f"--reference={one}" for one in ("lake/shops.parquet:shop", "ids.parquet:id", "ids.parquet:price")]
    told = profile("lake/sales.parquet", "--suggest", "suite.yaml", *references, capsys=capsys)
    assert "--reference ids.parquet:price: no column here is named after it" in told
    text = Path("suite.yaml").read_text()
    assert "references: {columns: shop, dataset: lake/shops.parquet, to: shop}" in text
    assert "# all but a few values of id are values of id of ids.parquet" in text
    assert text.count("references:") == 2
    assert main(["check", "lake/sales.parquet", "--suite", "suite.yaml"]) == 0
    assert "failed" not in capsys.readouterr().out
    assert main(["profile", "lake/sales.parquet", "--suggest", "s.yaml", "--reference", "ids.parquet:no"]) == 4
    assert "ids.parquet has no column 'no'; it has id, price" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"), [(["nowhere/x"], 1, "no such path"), (["lake/s", "--json", "no/p"], 1, "")]
)
def test_what_can_not_be_read_is_told(
    arguments: list[str], code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", *arguments]) == code
    assert says in capsys.readouterr().err
