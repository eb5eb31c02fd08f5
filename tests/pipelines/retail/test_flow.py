"""The whole platform on real data: what is found, what is counted, and what happens on the second run."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from shutil import copytree
from typing import Any

import pandas as pd
import pytest

from hookline.core.summary import run_document
from hookline.pipelines.retail import bronze, findings, flow, silver
from hookline.pipelines.retail.faults import KINDS, read_manifest
from hookline.pipelines.retail.lake import Lake
from hookline.pipelines.retail.landing import Landing
from hookline.pipelines.retail.source import FIRST_DAY

pytestmark = [pytest.mark.spark, pytest.mark.slow]

TABLES = [step.table for step in flow.steps()] + ["silver/quarantine"]
LAST_FIRST_DAY = FIRST_DAY + dt.timedelta(days=3)


def contents(lake: Lake, table: str) -> list[str]:
    """A table's rows, without when and in which load they came, in an order of their own."""
    rows = lake.read(table).drop("batch", "ingested_at", "source_file").collect()
    return sorted(map(str, rows))


def versions(lake: Lake) -> dict[str, int]:
    return {table: lake.delta(table).history(1).first().version for table in TABLES}


def rows_written(lake: Lake, table: str) -> int:
    """How many rows the last commit of a table wrote."""
    return int(lake.delta(table).history(1).first().operationMetrics["numOutputRows"])


def cents(value: str) -> Decimal:
    return Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.fixture(scope="session")
def good(second: Any, landed: pd.DataFrame) -> pd.DataFrame:
    """What silver should hold, by the manifest's word and pandas' arithmetic."""
    bad = {fault.row_id for fault in read_manifest(second.landing.manifest) if fault.kind != "late"}
    rows = landed[~landed["row_id"].isin(bad)].copy()
    for column in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"):
        rows[column] = rows[column].map(cents)
    rows["sale_day"] = rows["transaction_timestamp"].str[:10]
    return rows


def test_a_first_run_writes_every_table(first: Any) -> None:
    assert first.written == [step.table for step in flow.steps()]


def test_every_injected_fault_is_found_for_its_reason(second: Any) -> None:
    found = findings.compare(second.lake, second.landing.manifest)
    assert [finding.kind for finding in found] == list(KINDS)
    for finding in found:
        assert finding.found == finding.present > 0, finding


def test_what_was_found_is_told_with_its_place_and_a_row_to_look_at(second: Any) -> None:
    told = findings.tell(second.lake, second.landing.manifest).splitlines()
    found = findings.compare(second.lake, second.landing.manifest)
    balance = findings.balance(second.lake)
    for line, finding in zip(told[1:-1], found, strict=True):
        table = "silver/transactions" if finding.kind == "late" else "silver/quarantine"
        assert line.split() == [finding.kind, str(finding.present), str(finding.found), table, finding.rows[0]]
    assert told[-1].startswith(f"{balance.landed:,} rows landed: {balance.silver:,} in silver")


def test_nothing_else_is_refused(second: Any) -> None:
    faulty = {fault.row_id for fault in read_manifest(second.landing.manifest) if fault.kind != "late"}
    assert findings.refusals(second.lake).keys() == faulty


def test_every_row_that_landed_is_accounted_for(second: Any, landed: pd.DataFrame) -> None:
    balance = findings.balance(second.lake)
    assert balance.landed == len(landed)
    assert balance.landed == balance.silver + balance.duplicates + balance.refused
    held = [row.row_id for row in second.lake.read("silver/transactions").select("row_id").collect()]
    assert sorted([*held, *findings.refusals(second.lake)]) == sorted(landed["row_id"])


def test_bronze_is_what_was_received(second: Any, landed: pd.DataFrame) -> None:
    rows = second.lake.read("bronze/transactions").select(*landed.columns).toPandas()
    wanted = landed.astype(object).where(landed.notna(), None).sort_values("row_id", ignore_index=True)
    assert rows.sort_values("row_id", ignore_index=True).astype(object).equals(wanted)


def test_a_second_run_processes_only_what_is_new(second: Any, landed: pd.DataFrame) -> None:
    new = int((landed["row_id"].str[:10] > LAST_FIRST_DAY.isoformat()).sum())
    assert rows_written(second.lake, "bronze/transactions") == new
    sorted_out = rows_written(second.lake, "silver/transactions") + rows_written(second.lake, "silver/quarantine")
    assert sorted_out == new
    assert second.lake.watermark("silver/transactions") == 2
    # Nothing new landed of these, so nothing was written.
    assert not {"bronze/products", "silver/products", "silver/identities"} & set(second.written)


def test_running_again_changes_nothing(second: Any) -> None:
    before, rows = versions(second.lake), {table: contents(second.lake, table) for table in ("silver/transactions",)}
    assert flow.run(second.lake) == []
    assert versions(second.lake) == before
    assert {table: contents(second.lake, table) for table in rows} == rows


def test_refining_the_same_rows_again_adds_none(second: Any) -> None:
    judged = silver.judge(second.lake, second.lake.read("bronze/transactions"))
    assert judged.where("size(reasons) = 0").count() == 0


def test_late_sales_count_on_the_day_of_their_sale(first: Any, second: Any, good: pd.DataFrame) -> None:
    late = good[
        (good["row_id"].str[:10] > LAST_FIRST_DAY.isoformat()) & (good["sale_day"] <= LAST_FIRST_DAY.isoformat())
    ]
    assert len(late) > 0
    by_day = late["sales_value"].groupby(late["sale_day"]).sum().to_dict()
    before, after = (daily_totals(platform.lake) for platform in (first, second))
    days = [(FIRST_DAY + dt.timedelta(days=n)).isoformat() for n in range(4)]
    assert {day: after[day] - before[day] for day in days if after[day] != before[day]} == by_day


def daily_totals(lake: Lake) -> dict[str, Decimal]:
    rows = lake.read("gold/daily_sales").groupBy("sale_day").agg({"sales_value": "sum"}).collect()
    return {row[0].isoformat(): row[1] for row in rows}


def test_daily_sales_equal_pandas(second: Any, good: pd.DataFrame) -> None:
    root = second.lake.root / "landing"
    products = pd.read_csv(root / "products" / f"landed_on={FIRST_DAY}" / "products.csv", dtype=str)
    promoted = pd.concat([pd.read_csv(file, dtype=str) for file in (root / "promotions").glob("*/*.csv")])
    keys = ["product_id", "store_id", "week"]
    sales = good.merge(products[["product_id", "department"]], on="product_id").merge(
        promoted[keys].drop_duplicates().assign(promoted=True), on=keys, how="left"
    )
    sales["discount"] = sales["retail_disc"] + sales["coupon_disc"] + sales["coupon_match_disc"]
    sales["on_offer"] = [
        value if flag is True else Decimal(0) for value, flag in zip(sales.sales_value, sales.promoted, strict=True)
    ]
    wanted = {
        key: (rows["basket_id"].nunique(), len(rows), *(rows[c].sum() for c in ("sales_value", "discount", "on_offer")))
        for key, rows in sales.groupby(["sale_day", "store_id", "department"])
    }
    measures = ("baskets", "lines", "sales_value", "discount", "promoted_sales_value")
    found = {
        (row.sale_day.isoformat(), str(row.store_id), row.department): tuple(row[name] for name in measures)
        for row in second.lake.read("gold/daily_sales").collect()
    }
    assert found == wanted
    assert sum(value[4] for value in wanted.values()) > 0


def test_household_value_equals_pandas(second: Any, good: pd.DataFrame) -> None:
    wanted = {
        key: (rows["sale_day"].min(), rows["sale_day"].max(), rows["basket_id"].nunique(), rows["sales_value"].sum())
        for key, rows in good.groupby("household_id")
    }
    found = {
        str(row.household_id): (row.first_day.isoformat(), row.last_day.isoformat(), row.baskets, row.sales_value)
        for row in second.lake.read("gold/household_value").collect()
    }
    assert found == wanted


def test_campaign_redemption_equals_pandas(second: Any) -> None:
    root = second.lake.root / "landing"

    def all_of(dataset: str) -> pd.DataFrame:
        return pd.concat([pd.read_csv(file) for file in (root / dataset).glob("*/*.csv")]).drop_duplicates()

    targets, coupons, redemptions = all_of("campaigns"), all_of("coupons"), all_of("coupon_redemptions")
    wanted = {}
    for campaign in all_of("campaign_descriptions")["campaign_id"]:
        of_campaign = [frame[frame["campaign_id"] == campaign] for frame in (targets, coupons, redemptions)]
        redeeming = of_campaign[2]["household_id"].nunique()
        households = len(of_campaign[0])
        rate = redeeming / households if households else None
        wanted[campaign] = (households, of_campaign[1]["coupon_upc"].nunique(), len(of_campaign[2]), redeeming, rate)
    names = ("households", "coupons", "redemptions", "redeeming_households", "redemption_rate")
    rows = second.lake.read("gold/campaign_redemption").collect()
    assert {row.campaign_id: tuple(row[name] for name in names) for row in rows} == wanted
    assert len(rows) == 27


def test_death_between_commits_is_made_good(first: Any, second: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Dead after quarantine and before silver, dead again between silver and gold, then run to the end."""
    from pyspark.sql.readwriter import DataFrameWriter

    root = tmp_path / "killed"
    copytree(first.lake.root, root)
    Landing(root, first.landing.fraction, first.landing.seed, first.landing.faults).land(7)
    lake, save = Lake(first.lake.spark, root), DataFrameWriter.save

    def die_at_silver(writer: Any, path: str, *rest: Any, **more: Any) -> None:
        if path.endswith("silver/transactions"):
            raise KeyboardInterrupt
        save(writer, path, *rest, **more)

    bronze.ingest(lake, "transactions")
    monkeypatch.setattr(DataFrameWriter, "save", die_at_silver)
    with pytest.raises(KeyboardInterrupt):
        silver.refine_transactions(lake)
    monkeypatch.setattr(DataFrameWriter, "save", save)
    lake.look_again()
    assert [lake.watermark(f"silver/{table}") for table in ("quarantine", "transactions")] == [2, 1]

    def die_before_gold(done: flow.Progress) -> None:
        if done.table == "silver/transactions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flow.run(lake, die_before_gold)
    lake.look_again()
    assert [lake.watermark(table) for table in ("silver/transactions", "gold/daily_sales")] == [2, 1]

    assert flow.run(lake) == ["gold/daily_sales", "gold/household_value", "gold/campaign_redemption"]
    for table in ("silver/transactions", "silver/quarantine", "gold/daily_sales", "gold/household_value"):
        assert contents(lake, table) == contents(second.lake, table), table


def test_a_file_with_other_columns_stops_bronze(first: Any, tmp_path: Path) -> None:
    from py4j.protocol import Py4JJavaError

    folder = tmp_path / "landing" / "campaigns" / "landed_on=2017-01-01"
    folder.mkdir(parents=True)
    (folder / "campaigns.csv").write_text("household_id,campaign_id\n1,2\n", encoding="utf-8")
    lake = Lake(first.lake.spark, tmp_path)
    with pytest.raises(Py4JJavaError, match="FAILED_READ_FILE"):
        bronze.ingest(lake, "campaigns")
    assert lake.watermark("bronze/campaigns") == 0


def test_a_sale_from_the_future_and_a_stranger_are_refused(first: Any) -> None:
    lake = first.lake
    row = lake.read("bronze/transactions").where("row_id LIKE '2017-01-01/000001'").limit(1)
    odd = (
        row.selectExpr(
            "* EXCEPT (row_id, transaction_timestamp)",
            "'f' AS row_id",
            "'2031-01-01 00:00:00' AS transaction_timestamp",
        )
    ).unionByName(row.selectExpr("* EXCEPT (row_id, household_id)", "'h' AS row_id", "'99999' AS household_id"))
    reasons = {judged.row_id: list(judged.reasons) for judged in silver.judge(lake, odd).collect()}
    assert "out_of_range:transaction_timestamp" in reasons["f"]
    assert "unknown:household_id" in reasons["h"]


def test_nothing_landed_yet_is_a_table_without_rows_and_no_batch(first: Any, tmp_path: Path) -> None:
    folder, lake = tmp_path / "landing" / "coupon_redemptions", Lake(first.lake.spark, tmp_path)
    folder.mkdir(parents=True)

    def land(day: str, *rows: str) -> bool:
        (folder / f"landed_on={day}").mkdir()
        text = "\n".join(["household_id,coupon_upc,campaign_id,redemption_date", *rows])
        (folder / f"landed_on={day}" / "coupon_redemptions.csv").write_text(text + "\n", encoding="utf-8")
        return bronze.ingest(lake, "coupon_redemptions") | silver.conform(lake, "coupon_redemptions")

    assert bronze.ingest(lake, "coupon_redemptions")
    assert silver.conform(lake, "coupon_redemptions")
    assert lake.read("silver/coupon_redemptions").count() == 0
    assert not land("2017-01-01")
    assert land("2017-01-03", "1,2,3,2017-01-02")
    # A day's file that turns up after a later day's is not forgotten.
    assert land("2017-01-02", "4,5,6,2017-01-02")
    rows = lake.read("silver/coupon_redemptions").select("household_id", "batch").collect()
    assert sorted(map(tuple, rows)) == [(1, 1), (4, 2)]


# Every write is told in OpenLineage events: by our own count, by the events, and by Delta's history.


def write_events(path: Path) -> list[dict[str, Any]]:
    """Those that end a write."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in events if event["outputs"] and event["eventType"] != "START"]


def commits(lake: Any) -> Counter[str]:
    """Per table, the commits that its log has: each was one write."""
    logs = Path(lake.root).rglob("_delta_log/*.json")
    return Counter(str(log.parents[1]) for log in logs)


@pytest.mark.parametrize("file", [".hookline/lineage.ndjson", "client.ndjson"])
def test_each_write_has_its_events(first: Any, file: str) -> None:
    ended, root = first.ended, Path(first.lake.root).parent
    events = write_events(root / file)
    assert {event["eventType"] for event in events} == {"COMPLETE"}
    assert len(events) == ended.writes_total > len(first.written)
    told = Counter(event["outputs"][0]["name"] for event in events)
    assert told == commits(first.lake)
    versions = {
        (event["outputs"][0]["name"], event["outputs"][0]["facets"]["version"]["datasetVersion"]) for event in events
    }
    assert versions == {(name, str(number)) for name, count in told.items() for number in range(count)}
    assert all(event["inputs"] for event in events)


def test_the_summary_counts_writes_against_events(first: Any) -> None:
    reports = {report.name: report for report in first.ended.plugins}
    assert {report.writes_told for report in reports.values()} == {first.ended.writes_total}
    document = run_document(first.run, first.ended)
    assert document["lineage"] == dict.fromkeys(("writes", "events", "with_columns"), first.ended.writes_total)
    assert not [note for note in first.ended.notes if "told of" in note]
    root = Path(first.lake.root).parent
    last = json.loads((root / ".hookline/lineage.ndjson").read_text().splitlines()[-1])
    assert last["run"]["facets"]["hookline_run"].items() >= {
        ("writes", first.ended.writes_total),
        ("writesTold", first.ended.writes_total),
    }


def test_the_clients_events_are_valid_too(first: Any, validate: Any) -> None:
    path = Path(first.lake.root).parent / "client.ndjson"
    assert [problem for line in path.read_text().splitlines() for problem in validate(json.loads(line))] == []
