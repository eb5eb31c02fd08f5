"""What tokenizing three columns costs, beside reading them alone and beside other ways to do it.

    python benchmarks/protection/tokens.py [--rounds 5] [--rows 1000000]

CPU-seconds of the JVM and of all Python workers, for reading a Parquet file of e-mail addresses, phone numbers and names into
Spark's sink that writes nothing; the sides in turn within one session, after one round to warm up. Writes results.json and
RESULTS.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

HERE = Path(__file__).resolve().parent
COLUMNS = {"mail": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "name": "PERSON"}
KEY = b"k" * 32
_SAYS = {
    "bare": "the three columns, read",
    "native": "`tokenize` in the JVM, by the key's name",
    "python": "`tokenize` in Python workers, over Arrow",
    "sha2": "HMAC of Spark's own `sha2`, nothing made normal; the key is in the plan",
    "udf": "HMAC in a Python function (`udf`), nothing made normal; the key is in its pickle",
    "pandas": "HMAC in a pandas function, nothing made normal; the key is in its pickle",
}


def main() -> None:
    """Measure, and write the results."""
    args = _parse_args()
    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory() as folder:
        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        spark = (
            builder.config("spark.driver.memory", "3g").config("spark.ui.showConsoleProgress", "false").getOrCreate()
        )
        spark.sparkContext.setLogLevel("OFF")
        source = f"{folder}/people.parquet"
        _people(spark, args.rows).write.parquet(source)
        sides = _sides(spark.read.parquet(source), Path(folder))
        took: dict[str, list[list[float]]] = {side: [] for side in sides}
        order = list(sides)
        for number in range(args.rounds + 1):
            for place in range(len(order)):
                side = order[(number + place) % len(order)]
                cost = _measured(sides[side])
                sys.stderr.write(f"round {number} {side}: {cost[0]:.2f} CPU-s, {cost[1]:.2f} s\n")
                if number:
                    took[side].append(list(cost))
        spark.stop()
    document = {
        "version": 1,
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "rows": args.rows,
        "rounds": args.rounds,
        "took": took,
    }
    (HERE / "results.json").write_text(json.dumps(document, indent=2) + "\n")
    page = _markdown(document)
    (HERE / "RESULTS.md").write_text(page)
    sys.stdout.write(page)


def _people(spark: SparkSession, rows: int) -> DataFrame:
    mail = "concat('person.', id, '@Example', id % 977, '.com') AS mail"
    phone = "concat('+49 ', lpad(id % 9000 + 100, 4, '0'), '-', lpad(id, 8, '0')) AS phone"
    return spark.range(rows).selectExpr(mail, phone, "concat('Ada ', hex(id), ' Lovelace') AS name").coalesce(2)


def _sides(frame: DataFrame, folder: Path) -> Mapping[str, Callable[[], DataFrame]]:
    from hookline.core.safekeeping import KeysConfig
    from hookline.governance.keys import keyfile, open_keyring
    from hookline.governance.protection import Protector
    from hookline.governance.protection.policy import Policy

    keyfile.add_version(folder / "keys.json", "default", new=True)
    keys = KeysConfig()
    rules = [{"columns": [name], "entity": entity, "action": "tokenize"} for name, entity in COLUMNS.items()]
    policy = Policy.model_validate({"name": "people", "datasets": ["*"], "rules": rules})

    def ours(*ways: str) -> Callable[[], DataFrame]:
        protector = Protector(open_keyring(keys, folder), keys, folder, folder, ways)
        return lambda: protector.protect(frame, [policy]).frame

    def by(function: Callable[[Any], Any]) -> Callable[[], DataFrame]:
        return lambda: frame.select(*(function(frame[name]).alias(name) for name in COLUMNS))

    return {
        "bare": lambda: frame,
        "native": ours("native", "python"),
        "python": ours("python"),
        "sha2": by(_by_sha2),
        "udf": by(_udf()),
        "pandas": by(_pandas()),
    }


def _by_sha2(column: Column) -> Column:
    """RFC 2104: the key, padded to a block, with each of the two constants before the text."""
    from pyspark.sql import functions as F

    inner, outer = (bytes(byte ^ pad for byte in KEY.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    first = F.unhex(F.sha2(F.concat(F.lit(inner), F.encode(column, "utf-8")), 256))
    return F.sha2(F.concat(F.lit(outer), first), 256)


def _udf() -> Callable[[Any], Any]:
    import hmac

    from pyspark.sql import functions as F

    # Without Arrow: with it Spark 4.2 does not come to an end over the columns of a Parquet file.
    return F.udf(
        lambda text: None if text is None else hmac.digest(KEY, text.encode(), "sha256").hex(), "string", useArrow=False
    )


def _pandas() -> Callable[[Any], Any]:
    import hmac

    import pandas as pd
    from pyspark.sql.functions import pandas_udf

    def codes(texts: pd.Series) -> pd.Series:
        return texts.map(lambda text: hmac.digest(KEY, text.encode(), "sha256").hex(), na_action="ignore")

    codes.__annotations__ = {"texts": pd.Series, "return": pd.Series}
    function: Any = pandas_udf
    made: Callable[[Any], Any] = function(codes, "string")
    return made


def _measured(side: Callable[[], DataFrame]) -> tuple[float, float]:
    """CPU-seconds and seconds."""
    frame, before, began = side(), _cpu_s(), time.perf_counter()
    frame.write.format("noop").mode("overwrite").save()
    return _cpu_s() - before, time.perf_counter() - began


def _cpu_s() -> float:
    """Of the JVM and everything below it, what ended included; this process only waits."""
    found = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        found += times.user + times.system + times.children_user + times.children_system
    return found


def _markdown(document: Mapping[str, Any]) -> str:
    took = document["took"]
    cpu = {side: statistics.median(cost[0] for cost in costs) for side, costs in took.items()}
    rows = "\n".join(
        f"| {side} | {_SAYS[side]} | {cpu[side]:.2f} [{min(c[0] for c in costs):.2f} to {max(c[0] for c in costs):.2f}] "
        f"| {cpu[side] / cpu['bare']:.1f} | {statistics.median(cost[1] for cost in costs):.2f} |"
        for side, costs in took.items()
    )
    rounds = document["rounds"]
    return f"""# What tokens cost

{document["rows"]:,} rows, three columns of texts, read from Parquet into Spark's sink that writes nothing; {rounds} rounds, the
sides in turn within one session, after one to warm up; medians, with least and most in brackets. CPU is that of the JVM and of
Python's workers. Measured {document["at"]} on {document["cores"]} cores by `python benchmarks/protection/tokens.py`.

| side | what | CPU, s | ÷ bare | wall, s |
| --- | --- | --- | --- | --- |
{rows}
"""


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What tokenizing costs.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
