"""What Spark shows of a table is what a slow and simple evaluator says, for random policies, principals and tables."""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from collections import Counter
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from tests.governance.access import generate
from tests.governance.access.reference import BOOL, EXACT, FLOAT, TEXT, Table, what_is_seen

from hookline.core.column_types import parsed_column
from hookline.core.fuse import columns_of
from hookline.core.text import quoted
from hookline.governance.access.decide import KnownTable, decide
from hookline.governance.access.leaves import leaves
from hookline.governance.access.loading import combine
from hookline.governance.access.model import AccessPolicy
from hookline.governance.access.view import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
HELD = {("contact", "email"): ["EMAIL_ADDRESS", "URL"], (generate.DOTTED,): ["PERSON"]}


def access_of(policy: Any) -> Any:
    rules = [{key: value for key, value in rule.items() if key != "tree"} for rule in policy["rules"]]
    return combine([AccessPolicy.model_validate({**policy, "rules": rules})])


def frames(spark: SparkSession, table: Table, folder: Path) -> DataFrame:
    frame = spark.createDataFrame([tuple(row.values()) for row in table.rows], generate.DDL)
    frame.coalesce(1).write.parquet(str(folder))
    return spark.read.parquet(str(folder))


def test_decisions_are_what_the_reference_says() -> None:
    """Which columns are there at all, of many more policies."""
    rng = random.Random(99)
    kinds = {
        "geo": "struct<lat:double,straße ÿ:string>",
        "born": "date",
        "list": "array<string>",
        "pairs": "map<string,int>",
    }
    families = {TEXT: "string", EXACT: "decimal(10,2)", FLOAT: "double", BOOL: "boolean"}
    top = [
        (names[0], kinds.get(names[0]) or families[family])
        for names, family in generate.LEAVES.items()
        if len(names) == 1
    ]
    contact = f"struct<email:string,pho.ne:string,geo:{kinds['geo']}>"
    columns = [parsed_column(*one) for one in (*top[:-2], ("contact", contact), *top[-2:])]
    readable = 0
    for number in range(800):
        table = Table("crm", "people", generate.LEAVES, [], [HELD, None, {}][number % 3])
        policy = generate.policy(rng, table)
        access, purpose = access_of(policy), rng.choice([None, "billing"])
        known = KnownTable("CRM", "People", tuple(columns), table.held)
        for principal in ("ann", "bob", "eve"):
            decision = decide(access, principal, known, generate.NOW, purpose)
            expected = what_is_seen(policy, table, principal, generate.NOW, purpose)
            assert list(decision.leaves) == ([] if expected is None else expected[0]), (principal, policy)
            assert decision.readable == (expected is not None)
            readable += decision.readable
    assert readable > 500


@pytest.fixture
def interpreted(spark: SparkSession) -> Iterator[None]:
    """Compiling each of hundreds of queries would take minutes; one seed does."""
    settings = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    for key, value in settings.items():
        spark.conf.set(key, value)
    yield
    for key in settings:
        spark.conf.unset(key)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("interpreted")
def test_spark_shows_what_the_reference_says(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    check(spark, tmp_path, seed, 32)


def test_so_do_its_compiled_queries(spark: SparkSession, tmp_path: Path) -> None:
    check(spark, tmp_path, 2, 8)


def check(spark: SparkSession, tmp_path: Path, seed: int, policies: int) -> None:
    rng = random.Random(seed)
    place = [("crm", "people"), ('d"b.x', "ta`ble; --"), ("crm", "*"), ("ünï", "people")][seed]
    table = Table(*place, generate.LEAVES, generate.rows(rng, 40), [HELD, None][seed % 2])
    frame = frames(spark, table, tmp_path / "t")
    known = KnownTable(table.database, table.name, columns_of(frame.schema), table.held)
    tree = list(leaves(known.columns))
    assert [names for names, _ in tree] == list(generate.LEAVES)
    views, wanted = [], []
    for _ in range(policies):
        policy = generate.policy(rng, table)
        access = access_of(policy)
        purpose = rng.choice([None, "billing"])
        for principal in ("ann", "bob", "eve"):
            decision = decide(access, principal, known, generate.NOW, purpose)
            expected = what_is_seen(policy, table, principal, generate.NOW, purpose)
            assert decision.readable == (expected is not None), policy
            if expected is None:
                continue
            assert list(decision.leaves) == expected[0], policy
            views.append((shown(frame, decision, tree), policy, principal))
            wanted.append(expected[1])
    for first in range(0, len(views), 30):
        some = views[first : first + 30]
        rows = reduce(DataFrame.unionAll, [as_text(view, number) for number, (view, _, _) in enumerate(some)]).collect()
        for number, (_, policy, principal) in enumerate(some):
            got = [json.loads(row.text, parse_float=str) for row in rows if row.number == number]
            expected = [as_json(row) for row in wanted[first + number]]
            assert Counter(map(repr, got)) == Counter(map(repr, expected)), (principal, policy)


def as_text(view: DataFrame, number: int) -> DataFrame:
    """Its rows as JSON: then those of many views are one query."""
    whole = F.struct(*(F.col(quoted(name)) for name in view.columns))
    return view.select(F.lit(number).alias("number"), F.to_json(whole, {"ignoreNullFields": "false"}).alias("text"))


def as_json(value: Any) -> Any:
    """A row of the reference as such a text is read."""
    if isinstance(value, tuple):
        return {name: as_json(one) for name, one in value}
    if isinstance(value, float):
        return (
            repr(value) if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
        )
    return str(value) if isinstance(value, (Decimal, dt.date)) else value
