"""Rows taken out of files by Spark: Parquet with encrypted columns, ORC, lines of JSON; what is not meant stays as it is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.governance.conftest import Vault, policy
from tests.governance.erasure.test_parquet import matcher

from hookline.core.errors import ProtectionError
from hookline.core.events import Dataset
from hookline.governance.erasure.files import Files, Format
from hookline.governance.erasure.holdings import ByHandError, Means, MissingError, holding
from hookline.governance.erasure.parquet import Found
from hookline.governance.protection import AtRestKeeper

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from tests.governance.erasure.conftest import Company

pytestmark = pytest.mark.spark
PEOPLE = """
SELECT cast(id AS string) AS id, named_struct('mail', 'm' || id, 'n', id) AS st, array('a' || id) AS list, 'note ' || id AS `a.b`,
  if(id % 2 = 0, 'DE {x} [1]', 'a b%20c') AS land, timestamp '1850-03-04 05:06:07' AS at, cast(null AS string) AS nothing
FROM range(20)
"""


def written(spark: SparkSession, path: Path, kind: str, *by: str) -> list[dict[str, Any]]:
    frame = spark.sql(PEOPLE)
    frame.repartition(2, "id").write.partitionBy(*by).format(kind).save(str(path))
    return read(spark, path, kind)


def read(spark: SparkSession, path: Path, kind: str) -> list[dict[str, Any]]:
    spark.catalog.refreshByPath(str(path))
    rows = spark.read.format(kind).option("__globPaths__", "false").load(str(path)).collect()
    return sorted((row.asDict(recursive=True) for row in rows), key=lambda row: int(row["id"]))


@pytest.mark.parametrize("kind", ["parquet", "orc", "json"])
def test_a_subject_s_rows_go_and_nothing_else(spark: SparkSession, vault: Vault, tmp_path: Path, kind: Format) -> None:
    place = tmp_path / "la ke%20[1]"
    before = written(spark, place, kind, "land")
    old = {path: path.read_bytes() for path in place.rglob("part-*")}
    files = Files(spark, str(place), kind)
    assert files.find("ID", matcher(vault, "7")) == Found(1, 1, 1)
    assert [row["id"] for row in files.rows("id", matcher(vault, "7"))] == ["7"]
    assert files.take_out("id", matcher(vault, "7")) == Found(1, 1, 1)
    assert read(spark, place, kind) == [row for row in before if row["id"] != "7"]
    assert files.find("id", matcher(vault, "7")) == Found()
    new = {path: path.read_bytes() for path in place.rglob("part-*")}
    assert len([path for path in old if old[path] != new.get(path)]) == 1
    assert files.take_out("id", matcher(vault, "7")) == Found()
    assert not [path for path in place.rglob("*") if "hookline" in path.name]


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_columns_become_null(spark: SparkSession, vault: Vault, tmp_path: Path, kind: Format) -> None:
    place = tmp_path / "lake"
    before = written(spark, place, kind, "land")
    files, columns = Files(spark, str(place), kind), ("st.mail", "list", "a.b", "nothing")
    assert files.take_out("id", matcher(vault, "7"), columns) == Found(1, 1, 1)
    before[7] |= {"st": {"mail": None, "n": 7}, "list": None, "a.b": None}
    assert read(spark, place, kind) == before
    assert files.find("id", matcher(vault, "7"), columns) == Found()
    with pytest.raises(ProtectionError, match="can't be null"):
        files.take_out("id", matcher(vault, "8"), ("LAND",))


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_folders_that_are_the_subject_s_go_as_a_whole(
    spark: SparkSession, vault: Vault, tmp_path: Path, kind: Format
) -> None:
    place = tmp_path / "lake"
    frame = spark.sql("SELECT format_string('%03d', id) AS id, id AS n FROM range(12)")
    frame.write.partitionBy("id").format(kind).save(str(place))
    assert Files(spark, str(place), kind).take_out("id", matcher(vault, "007")) == Found(1, 1, 1)
    assert sorted(path.name for path in place.iterdir() if "=" in path.name) == [
        f"id={number:03d}" for number in range(12) if number != 7
    ]


def test_lines_of_json_stay_as_they_are(spark: SparkSession, vault: Vault, tmp_path: Path) -> None:
    kept = [
        '{"who": {"Id": 70}, "x":   1.50, "u": "Zo\\u00eb\\n", "n": null}',
        '  {"who":{"Id":8},"x":"[1]"}',
        "",
        '{"other": [1, 2, {"Id": 7}]}',
    ]
    gone = '{"x": "him", "who": {"Id": 7}}'
    (tmp_path / "lake").mkdir()
    packed, single = tmp_path / "lake" / "a.json.gz", tmp_path / "lake" / "b b.json"
    packed.write_bytes(gzip.compress("\n".join([kept[0], gone, *kept[1:]]).encode()))
    single.write_text(gone + "\n")
    files = Files(spark, str(tmp_path / "lake"), "json")
    assert files.take_out("who.id", matcher(vault, "7")) == Found(2, 2, 0)
    assert gzip.decompress(packed.read_bytes()).decode().splitlines() == kept
    assert not single.exists()
    with pytest.raises(ProtectionError, match="say `how: delete`"):
        files.take_out("who.id", matcher(vault, "8"), ("x",))


def test_the_last_file_stays_without_rows(spark: SparkSession, vault: Vault, tmp_path: Path) -> None:
    place = tmp_path / "one.json"
    place.write_text('{"id": 7}\n')
    files = Files(spark, str(place), "json")
    assert files.take_out("id", matcher(vault, "7")) == Found(1, 1, 0)
    assert place.read_text() == ""
    assert not [path for path in tmp_path.iterdir() if "hookline" in path.name]


@pytest.mark.parametrize(
    "text", ['[{"id": 7}, {"id": 8}]\n', '{\n  "id": 7\n}\n', 'no JSON\n{"id": 7}\n'], ids=range(3)
)
def test_what_is_no_lines_of_json_is_left_to_people(
    spark: SparkSession, vault: Vault, tmp_path: Path, text: str
) -> None:
    place = tmp_path / "x.json"
    place.write_text(text)
    with pytest.raises(ProtectionError, match=r"no JSON objects|has no column"):
        Files(spark, str(place), "json").take_out("id", matcher(vault, "7"))
    assert place.read_text() == text


def test_a_file_that_changes_meanwhile_is_not_replaced(
    spark: SparkSession, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "lake"
    written(spark, place, "orc")
    files = Files(spark, str(place), "orc")
    original = Files._written

    def slow(self: Files, kept: Any, scratch: str, old: str) -> str:
        fresh = original(self, kept, scratch, old)
        with Path(old.removeprefix("file:")).open("ab") as stream:
            stream.write(b"more")
        return fresh

    monkeypatch.setattr(Files, "_written", slow)
    with pytest.raises(ProtectionError, match="meanwhile"):
        files.take_out("id", matcher(vault, "7"))
    assert [path for path in place.rglob("part-*") if path.read_bytes().endswith(b"more")]
    assert not [path for path in place.rglob("*") if "hookline" in path.name]


def test_what_is_encrypted_at_rest_stays_so(spark: SparkSession, vault: Vault, tmp_path: Path) -> None:
    secret = policy({"columns": ["land"], "action": "drop", "missing": "allow"}, at_rest={"columns": ["st.mail"]})
    keeper = AtRestKeeper(vault.ring(), vault.keys, vault.folder, tmp_path / "handed")
    frame = spark.sql(PEOPLE)
    seal = keeper.seal(frame, keeper.kept([secret]))
    place = tmp_path / "lake"
    frame.coalesce(1).write.options(**seal.options(frame.schema)).parquet(str(place))
    keeper.meet(spark)
    try:
        means = Means(lambda: spark, lambda _: lambda kept: keeper.seal(kept, keeper.kept([secret])))
        own = holding(Dataset("file", str(place), format="parquet"), means)
        assert own.take_out("id", matcher(vault, "7")).found == Found(1, 1, 0)
        assert len(read(spark, place, "parquet")) == 19
    finally:
        keeper.leave()
    (file,) = place.glob("part-*")
    assert file.read_bytes()[:4] == b"PARE"


def test_erasing_goes_by_what_lineage_knows_of_formats(company: Company) -> None:
    company.policy(erase={"subject": "id", "entity": "CUSTOMER_ID"}, rules=[])
    raw = company.folder / "lake" / "raw"
    raw.mkdir(parents=True)
    (raw / "in.json").write_text("".join(json.dumps({"id": n, "mail": f"k{n}@x.org"}) + "\n" for n in range(12)))
    parquet.write_table(pa.table({"id": [1]}), company.folder / "lake" / "other.parquet")

    def job(company: Company) -> None:
        people = company.spark.read.json(company.path("raw"))
        people.write.orc(company.path("silver/people"))
        people.select("id").write.csv(company.path("gold"))

    company.run(job)
    found = company.statuses(company.erase("7", code=3))
    assert found == {"raw": ("erased", 1), "silver/people": ("erased", 1), "gold": ("by hand", 0)}
    assert company.read("silver/people", "orc").count() == 11
    assert '"id": 7,' not in (raw / "in.json").read_text()


def test_places_without_anything(spark: SparkSession, tmp_path: Path) -> None:
    means = Means(lambda: spark)
    for name in (str(tmp_path / "gone"), str(tmp_path)):
        with pytest.raises((MissingError, ByHandError)):
            holding(Dataset("file", name), means)
