"""Rows that were set aside are told, repaired, and brought back through the checks, each at most once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.cli import main
from hookline.pipelines import attach
from hookline.pipelines.quarantine import companion
from hookline.pipelines.staging import recovery

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
SECRET = "4929-0000"
CHECKS = [{"range": {"column": "price", "min": 0}}, {"pattern": {"column": "card", "regex": "[0-9-]+"}}]


class Shop:
    """A project whose job wrote ten rows: 3 and 4 have a price below zero, 4 and 7 a card that is none."""

    def __init__(self, spark: SparkSession, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.spark, self.folder, self._capsys = spark, folder, capsys
        self.lake = folder / "sales"
        self.suite()
        (folder / "hookline.yaml").write_text("plugins:\n  quality: {suites: [suite.yaml]}\n")

    def suite(self, checks: list[dict[str, Any]] = CHECKS, breaker: str = "quarantine") -> None:
        content = {"dataset": "*", "breaker": breaker, "checks": checks}
        (self.folder / "suite.yaml").write_text(yaml.safe_dump(content))

    def sell(self, kind: str = "delta", *, by: str | None = None) -> None:
        frame = self.spark.range(10).selectExpr(
            "id",
            "IF(id IN (3, 4), -1.5BD, 1.5BD) AS price",
            f"CASE WHEN id IN (4, 7) THEN 'none {SECRET}' ELSE '{SECRET}' END AS card",
            "id % 2 AS part",
        )
        attachment = attach.attach(self.spark, str(self.folder / "hookline.yaml"), job="sell")
        writer = frame.write.format(kind).mode("append")
        (writer.partitionBy(by) if by else writer).save(str(self.lake))
        attachment.detach()

    def run(self, *arguments: str, code: int = 0) -> str:
        self._capsys.readouterr()
        assert main(["quarantine", *arguments]) == code
        captured = self._capsys.readouterr()
        return captured.out if code == 0 else captured.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def counts(self) -> list[tuple[int, int]]:
        return [(one["waiting"], one["replayed"]) for one in self.json("list", str(self.lake))["writes"]]

    def ids(self, kind: str = "delta") -> list[int]:
        return sorted(row.id for row in self.spark.read.format(kind).load(str(self.lake)).select("id").collect())


@pytest.fixture
def shop(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shop:
    for name in ("HOOKLINE_CONFIG", "HOOKLINE_ENV", "HOOKLINE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Shop(spark, tmp_path, capsys)


def test_what_was_set_aside_is_told_without_a_value(shop: Shop) -> None:
    shop.sell()
    (latest,) = shop.json("list")["writes"]
    assert (latest["rows"], latest["dataset"]) == (3, f"file/{shop.lake}")
    (write,) = shop.json("list", str(shop.lake))["writes"]
    assert (write["waiting"], write["replayed"], write["job"]) == (3, 0, "sell")
    assert write["reasons"] == {"range(price)": 2, "pattern(card)": 2}
    for told in (shop.run("list"), shop.run("list", "sales"), shop.run("show", f"{shop.lake}_quarantine")):
        assert SECRET not in told
    assert "range(price): 2" in shop.run("show", "sales")
    assert shop.json("show", "sales", "--run", "nobody")["writes"] == []
    shown = shop.run("show", "sales", "--write", write["write_id"], "--rows", "2").splitlines()[-2:]
    rows = [json.loads(line) for line in shown]
    assert all(SECRET in row["row"]["card"] and row["reasons"] for row in rows)


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_repaired_rows_come_back_once(kind: str, shop: Shop) -> None:
    shop.sell(kind, by="part")
    again = shop.json("replay", "sales", "--repair", "price=abs(price)")
    assert again == {"version": 1, "appended": 1, "set_aside": 2}
    assert shop.ids(kind) == [0, 1, 2, 3, 5, 6, 8, 9]
    assert sorted(shop.counts()) == [(0, 3), (2, 0)]
    rest = shop.run(
        "replay", "sales", "--reason", "pattern(card)", "--repair", "card=substr(card, 6)", "--repair", "price=price"
    )
    assert rest == "2 rows brought back, 0 set aside again\n"
    assert shop.ids(kind) == list(range(10))
    assert "no rows that wait" in shop.run("replay", "sales", code=1)
    prices = shop.spark.read.format(kind).load(str(shop.lake)).where("id = 3").first()
    assert prices is not None
    assert str(prices.price) == "1.5"


def test_rows_come_back_when_the_rule_was_wrong(shop: Shop) -> None:
    shop.sell()
    shop.suite([{"completeness": "id"}])
    assert shop.json("replay", "sales")["appended"] == 3
    assert shop.ids() == list(range(10))


def test_rows_that_were_repaired_elsewhere_come_back(shop: Shop) -> None:
    shop.sell()
    held = shop.spark.read.parquet(f"{shop.lake}_quarantine").selectExpr("quarantine_id", "row.*").where("id = 7")
    held.selectExpr("quarantine_id", "id", "price", "'1-2' AS card", "part", "1 AS more").write.parquet(
        str(shop.folder / "repaired")
    )
    assert shop.json("replay", "sales", "--from", "repaired") == {"version": 1, "appended": 1, "set_aside": 0}
    assert shop.counts() == [(2, 1)]
    held.unionAll(held).write.parquet(str(shop.folder / "twice"))
    assert "a quarantine_id twice" in shop.run("replay", "sales", "--from", "twice", code=1)
    held.select("quarantine_id").write.parquet(str(shop.folder / "short"))
    assert "short lacks id, price, card, part" in shop.run("replay", "sales", "--from", "short", code=1)


def test_a_target_that_got_columns_since_takes_the_rows(shop: Shop) -> None:
    shop.sell()
    shop.spark.sql(f"ALTER TABLE delta.`{shop.lake}` ADD COLUMNS (more STRING)")
    assert shop.json("replay", "sales", "--repair", "price=1", "--repair", "card='1'")["appended"] == 3
    assert shop.spark.read.format("delta").load(str(shop.lake)).where("more IS NULL").count() == 10


def test_a_gate_that_refuses_leaves_all_as_it_was(shop: Shop) -> None:
    shop.sell()
    shop.suite([{**CHECKS[0], "severity": "critical"}], "publish")
    assert "refused (nothing was published)" in shop.run("replay", "sales", code=3)
    assert (shop.counts(), len(shop.ids())) == ([(3, 0)], 7)


def test_without_checks_nothing_comes_back(shop: Shop) -> None:
    shop.sell()
    (shop.folder / "hookline.yaml").write_text("plugins: {}\n")
    assert "no plugin of the configuration judges writes" in shop.run("replay", "sales", code=1)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("list", "nowhere"), 1, "nowhere_quarantine can't be read as a quarantine: "),
        (("replay", "sales", "--repair", "price"), 4, "--repair takes COLUMN=SQL"),
        (("replay", "sales", "--repair", "cost=1"), 1, "the rows have no column 'cost'"),
        (("show", "broken"), 1, "is no file of a quarantine"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], code: int, told: str, shop: Shop) -> None:
    if arguments[0] == "replay":
        shop.sell()
    broken = shop.folder / "broken_quarantine" / "run_date=2026-01-01"
    broken.mkdir(parents=True)
    (broken / "x.parquet").write_bytes(b"none")
    assert told in shop.run(*arguments, code=code)


class DiedError(BaseException):
    """Stands for the death of the process."""


@pytest.mark.parametrize("kind", ["delta", "parquet"])
@pytest.mark.parametrize("after", [True, False])
def test_a_death_brings_no_row_back_twice(kind: str, after: bool, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies when the write is published and that is not noted yet, or when it is noted and not published yet."""
    shop.sell(kind)
    shop.suite([{"completeness": "id"}])

    def die(along: companion.Along, *arguments: Any) -> None:
        along.companion._journal.leave()
        along.companion._open = False
        raise DiedError

    with monkeypatch.context() as patched:
        patched.setattr(companion.Along, "keep", die)
        patched.setattr(companion.Along, "give_up", die)
        if not after:
            plain: Callable[..., None] = companion.Along.place

            def place(along: companion.Along, proof: Any) -> None:
                plain(along, proof)
                raise DiedError

            patched.setattr(companion.Along, "place", place)
        with pytest.raises(DiedError):
            main(["quarantine", "replay", "sales"])
    recovery.recover(shop.spark, shop.folder / ".hookline")
    assert (len(shop.ids(kind)), shop.counts()) == ((10, [(0, 3)]) if after else (7, [(3, 0)]))
    if not after:
        assert shop.json("replay", "sales")["appended"] == 3
    assert shop.ids(kind) == list(range(10))
