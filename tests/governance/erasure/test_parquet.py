"""Rows taken out of Parquet files: types stay, files that have nothing of it stay, and who is killed loses nothing."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.governance.conftest import Vault, policy

from hookline.core.errors import ProtectionError
from hookline.governance.erasure.matching import Before, OfSubject
from hookline.governance.erasure.parquet import Found, find, is_parquet, rows_of, take_out
from hookline.governance.erasure.subject import subject

ASKING = policy({"columns": ["name"], "action": "drop"}, erase={"subject": "id", "entity": "CUSTOMER_ID"})


def matcher(vault: Vault, id: str) -> OfSubject:
    whose = subject(id, "CUSTOMER_ID", [ASKING], vault.ring(), (vault.keys, vault.folder))
    return OfSubject(whose.finder, whose.wanted)


def written(folder: Path, *tables: Any, name: str = "part", **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(tables):
        parquet.write_table(table, folder / f"{name}-{number}.parquet", **options)
    return folder


def ids(folder: Path) -> list[Any]:
    return sorted(
        row["id"] for file in folder.rglob("*.parquet") for row in parquet.ParquetFile(file).read().to_pylist()
    )


@pytest.mark.parametrize(
    ("values", "id"),
    [
        (pa.array([1, 4711, 3], pa.int32()), "4711"),
        (pa.array([1, 4711, 3], pa.int64()), "4711"),
        (pa.array([1.0, 4711.0, 0.5]), "4711"),
        (pa.array([Decimal("1.00"), Decimal("4711.00"), None]), "4711"),
        (pa.array(["a", "4711", None]), "4711"),
        (pa.array(["a", " 4711 ", None]), "4711"),
        (pa.array(["a", "x" * 1_000_000, None]), "x" * 1_000_000),
        (pa.array(["a", "\U0001f9d1\u200d\U0001f680", None]), "\U0001f9d1\u200d\U0001f680"),
        (pa.array(["a", "'; DROP TABLE x", None]), "'; DROP TABLE x"),
        (pa.array([dt.date(2026, 1, 1), dt.date(2026, 5, 4), None]), "2026-05-04"),
    ],
    ids=range(10),
)
def test_ids_of_all_types(vault: Vault, tmp_path: Path, values: Any, id: str) -> None:
    place = written(tmp_path / "lake", pa.table({"id": values, "n": [1, 2, 3]}))
    assert find(place, "ID", matcher(vault, id)) == Found(1, 1, 0)
    assert [row["n"] for row in rows_of(place, "id", matcher(vault, id))] == [2]
    assert take_out(place, "id", matcher(vault, id)) == Found(1, 1, 0)
    table = parquet.ParquetFile(place / "part-0.parquet").read()
    assert table.column("n").to_pylist() == [1, 3]
    assert table.schema.field("id").type == values.type
    assert take_out(place, "id", matcher(vault, id)) == Found()


@pytest.mark.spark
def test_what_spark_wrote_it_reads_as_it_was(vault: Vault, tmp_path: Path, spark: Any) -> None:
    place = tmp_path / "lake"
    columns = (
        "id, 'x' || id AS s, CAST(id AS decimal(20,4)) AS d, timestamp '2026-05-04 10:00:00' AS t, "
        "timestamp_ntz '2026-05-04 10:00:00' AS n, date '2026-05-04' AS day, array(id, NULL) AS a, map('k', id) AS m, "
        "named_struct('inner', named_struct('mail', 'm' || id), 'list', array(named_struct('q', id))) AS st, X'00ff' AS b, "
        "CAST(NULL AS string) AS nothing, id % 2 AS p"
    )
    frame = spark.sql(f"SELECT {columns} FROM range(40)").repartition(2, "id")
    for kind in ("TIMESTAMP_MICROS", "INT96"):
        spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
        frame.write.mode("overwrite").partitionBy("p").parquet(str(place))
        spark.conf.unset("spark.sql.parquet.outputTimestampType")
        before = spark.read.parquet(str(place))
        wanted = sorted(map(str, before.where("id <> 7").collect()))
        schema = before.schema
        untouched = {file: file.stat().st_ino for file in place.rglob("*.parquet")}
        assert take_out(place, "id", matcher(vault, "7")).rows == 1
        spark.catalog.refreshByPath(str(place))
        after = spark.read.parquet(str(place))
        assert after.schema == schema
        assert sorted(map(str, after.collect())) == wanted
        assert sum(file.stat().st_ino != inode for file, inode in untouched.items()) == 1
        assert take_out(place, "id", matcher(vault, "9"), ("st.inner.mail", "a", "m", "s")).rows == 1
        spark.catalog.refreshByPath(str(place))
        (row,) = spark.read.parquet(str(place)).where("id = 9").collect()
        assert (row.st.inner.mail, row.a, row.m, row.s, row.st.list[0].q, row.d) == (
            None,
            None,
            None,
            None,
            9,
            Decimal(9),
        )
        assert spark.read.parquet(str(place)).schema == schema
        assert spark.read.parquet(str(place)).count() == 39
        assert take_out(place, "id", matcher(vault, "9"), ("st.inner.mail", "a", "m", "s")) == Found()


def test_folders_of_partitions(vault: Vault, tmp_path: Path) -> None:
    place = tmp_path / "lake"
    for id in ("7", "8", "a%2Fb", "__HIVE_DEFAULT_PARTITION__"):
        written(place / f"id={id}", pa.table({"n": [1, 2]}))
    (place / "id=7" / ".part-0.parquet.crc").write_bytes(b"x")
    assert find(place, "id", matcher(vault, "7")) == Found(2, 1, 1)
    assert take_out(place, "id", matcher(vault, "7")) == Found(2, 1, 1)
    assert take_out(place, "id", matcher(vault, "a/b")).rows == 2
    assert sorted(path.name for path in place.iterdir()) == ["id=8", "id=__HIVE_DEFAULT_PARTITION__"]
    assert list(rows_of(place, "id", matcher(vault, "8"))) == [{"n": 1, "id": "8"}, {"n": 2, "id": "8"}]


def test_the_last_file_stays_for_its_columns(vault: Vault, tmp_path: Path) -> None:
    place = written(tmp_path / "lake", pa.table({"id": [7]}), pa.table({"id": [7, 7]}))
    assert take_out(place, "id", matcher(vault, "7")) == Found(3, 2, 0)
    (file,) = place.glob("*.parquet")
    assert parquet.ParquetFile(file).read().num_rows == 0


def test_what_is_no_data_is_left_alone(vault: Vault, tmp_path: Path) -> None:
    place = written(tmp_path / "lake", pa.table({"id": [7, 8]}))
    (place / "_SUCCESS").touch()
    written(place / "_temporary", pa.table({"id": [7]}))
    written(place / ".hidden", pa.table({"id": [7]}))
    (place / ".part-9.parquet.hookline-erase").write_bytes(b"half of a file of somebody who was killed")
    assert is_parquet(place)
    assert take_out(place, "id", matcher(vault, "7")) == Found(1, 1, 0)
    assert not (place / ".part-9.parquet.hookline-erase").exists()
    (place / "more.csv").write_text("id\n7\n")
    assert not is_parquet(place)
    assert not is_parquet(tmp_path)


@pytest.mark.parametrize(
    ("table", "column", "columns", "wanted"),
    [
        (pa.table({"other": [7]}), "id", (), "no column 'id'"),
        (pa.table({"id": [[7]]}), "id", (), "does not say whose row it is"),
        (pa.table({"id": [b"7"]}), "id", (), "does not say whose row it is"),
        (pa.table({"a": [[{"id": 7}]]}), "a.id", (), "is in an array or a map"),
    ],
    ids=range(4),
)
def test_what_can_not_be_done(vault: Vault, tmp_path: Path, table: Any, column: str, columns: Any, wanted: str) -> None:
    place = written(tmp_path / "lake", pa.table({"id": [7], "a": [None]}), name="a")
    written(place, table, name="b")
    before = {file: file.read_bytes() for file in place.iterdir()}
    with pytest.raises(ProtectionError, match=wanted):
        take_out(place, column, matcher(vault, "7"), columns)
    assert {file: file.read_bytes() for file in place.iterdir()} == before


def test_a_file_that_somebody_else_changes_meanwhile(vault: Vault, tmp_path: Path, monkeypatch: Any) -> None:
    place = written(tmp_path / "lake", pa.table({"id": [7, 8]}))
    real = os.chmod

    def meddle(path: Any, mode: int) -> None:
        real(path, mode)
        written(place, pa.table({"id": [7, 8, 9]}))

    monkeypatch.setattr("hookline.governance.erasure.parquet.os.chmod", meddle)
    with pytest.raises(ProtectionError, match="changed by somebody else meanwhile"):
        take_out(place, "id", matcher(vault, "7"))
    monkeypatch.undo()
    assert ids(place) == [7, 8, 9]
    assert take_out(place, "id", matcher(vault, "7")).rows == 1
    assert ids(place) == [8, 9]


def test_by_age(tmp_path: Path) -> None:
    utc = dt.timezone.utc
    moment = dt.datetime(2026, 5, 4, 12, tzinfo=utc)
    kinds: dict[Any, Callable[[dt.datetime], Any]] = {
        pa.date32(): lambda at: at.date(),
        pa.timestamp("us"): lambda at: at.replace(tzinfo=None),
        pa.timestamp("us", "UTC"): lambda at: at,
        pa.timestamp("ns", "UTC"): lambda at: at,
    }
    for kind, make in kinds.items():
        times = [moment - dt.timedelta(days=2), moment + dt.timedelta(days=2), moment]
        values = pa.array([*map(make, times), None], kind)
        place = written(tmp_path / str(kind).replace("/", "_"), pa.table({"id": [1, 2, 3, 4], "at": values}))
        assert take_out(place, "at", Before(moment)).rows == 1
        assert ids(place) == [2, 3, 4], kind
    for day in ("2026-05-03", "2026-05-04"):
        written(tmp_path / "days" / f"day={day}", pa.table({"id": [1]}))
    assert take_out(tmp_path / "days", "day", Before(moment)) == Found(1, 1, 1)
    with pytest.raises(ProtectionError, match="is no time"):
        find(written(tmp_path / "no", pa.table({"id": [1]})), "id", Before(moment))
    with pytest.raises(ProtectionError, match="is no time"):
        find(written(tmp_path / "text", pa.table({"id": ["canary"]})), "id", Before(moment))


KILLED = """
import os, signal, sys
from pathlib import Path
from hookline.core.safekeeping import KeysConfig
from hookline.governance.erasure import parquet
from hookline.governance.erasure.matching import OfSubject
from hookline.governance.erasure.subject import subject
from hookline.governance.keys import open_keyring
from tests.governance.erasure.test_parquet import ASKING
folder, when, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
keys = KeysConfig()
whose = subject("7", "CUSTOMER_ID", [ASKING], open_keyring(keys, folder), (keys, folder))
count = 0
def dying(name, real):
    def call(*args, **options):
        global count
        count += when.startswith(name)
        if when == name + " before" and count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        done = real(*args, **options)
        if when == name + " after" and count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return call
parquet._AT_ONCE = 1
parquet._flush = dying("flush", parquet._flush)
Path.replace = dying("replace", Path.replace)
Path.unlink = dying("unlink", Path.unlink)
os.chmod = dying("chmod", os.chmod)
parquet.take_out(folder / "lake", "id", OfSubject(whose.finder, whose.wanted))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    "when", [f"{name} {side}" for name in ("flush", "replace", "unlink", "chmod") for side in ("before", "after")]
)
def test_who_is_killed_loses_nothing(vault: Vault, tmp_path: Path, when: str, number: int) -> None:
    """kill -9 at every step: before, in and after the change of a file."""
    tables = [pa.table({"id": [7, 100 + place, 200 + place]}) for place in range(4)]
    place = written(tmp_path / "lake", *tables)
    written(place, pa.table({"id": [7, 7]}), name="all")
    for file in place.glob("*.parquet"):
        (place / f".{file.name}.crc").write_bytes(b"the old sum")
    others = sorted(id for table in tables for id in table.column("id").to_pylist() if id != 7)
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), when, str(number)], cwd=root, capture_output=True, timeout=120
    )
    assert ended.returncode == -9, ended.stderr.decode()[-2_000:]
    assert [id for id in ids(place) if id != 7] == others, "each row is there, and once"
    take_out(place, "id", matcher(vault, "7"))
    assert ids(place) == others
    assert not list(place.glob(".*hookline-erase"))
    changed = [file.name for file in place.glob(".*.crc")]
    assert changed in ([], [".all-0.parquet.crc"]), "no sum of an old content is left beside a new one"
