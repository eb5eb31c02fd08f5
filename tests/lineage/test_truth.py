"""Column lineage of real plans, held against edges that were written by hand from the queries."""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hookline.core.config_models import Config
from hookline.core.events import ColumnInput, ColumnLineage
from hookline.pipelines import attach, columns, statements

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
TRUTH = Path(__file__).parent / "truth"
FRAMES: dict[str, Any] = runpy.run_path(str(TRUTH / "frames.py"))
FIRST, SECOND = (yaml.safe_load((TRUTH / f"{name}.yaml").read_text()) for name in ("cases", "more_cases"))
CASES: dict[str, dict[str, Any]] = FIRST | SECOND
TPCH: dict[int, dict[str, Any]] = yaml.safe_load((TRUTH / "tpch.yaml").read_text())
PREFIXES = {"c": "customer", "l": "lineitem", "n": "nation", "o": "orders", "p": "part", "ps": "partsupp"}
PREFIXES |= {"r": "region", "s": "supplier"}
Edge = tuple[str, str, str]


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A session with the tables of the truth set, empty, attached: what a checkpoint holds is remembered when it is made."""
    session = spark.newSession()
    attachment = attach.attach(session, Config(state_dir=tmp_path_factory.mktemp("truth")), job="truth")
    session.sql("CREATE DATABASE lineage_truth")
    session.sql("USE lineage_truth")
    for statement in (TRUTH / "tables.sql").read_text().split(";"):
        if statement.strip():
            session.sql(statement)
    yield session
    session.sql("DROP DATABASE lineage_truth CASCADE")
    attachment.detach()


@pytest.fixture(scope="module")
def tpch() -> dict[int, str]:
    """The text of TPC-H's queries."""
    module = pytest.importorskip("duckdb_extension_tpch")
    import duckdb

    connection = duckdb.connect()
    connection.load_extension(str(next(Path(module.__file__).parent.rglob("tpch.duckdb_extension"))))
    return dict(connection.sql("FROM tpch_queries()").fetchall())


def expected(case: dict[str, Any], named: Callable[[str], str] = str) -> set[Edge]:
    """The edges of a case: (written column, or nothing for all rows; how; source)."""
    of_columns = [
        (column, how, source) for column, by in case["columns"].items() for how, of in by.items() for source in of
    ]
    of_rows = [("", how, source) for how, of in case.get("rows", {}).items() for source in of]
    return {(column, how, named(source)) for column, how, source in (*of_columns, *of_rows)}


def found(lineage: ColumnLineage) -> set[Edge]:
    """The same of what was traced."""
    of_columns = {(column, *shown(edge)) for column, edges in lineage.columns.items() for edge in edges}
    return of_columns | {("", *shown(edge)) for edge in lineage.dataset}


def shown(edge: ColumnInput) -> tuple[str, str]:
    marks = " masked" * edge.masking + " noted" * bool(edge.note)
    return edge.transformation + marks, f"{Path(edge.dataset.name).name}.{edge.column}"


def traced(session: SparkSession, sql: str) -> ColumnLineage:
    """What a query, or a statement, would write; the statement is not run."""
    statement = statements.parse(session, sql)
    if statement is None:
        return columns.trace(session, session.sql(sql)._jdf.queryExecution().analyzed())
    request = statements.request(session, statement, lambda: None)
    command = request.command
    if command is None:
        assert request.frame is not None
        return columns.trace(session, request.frame._jdf.queryExecution().analyzed())
    plan, target = lambda: command(None), request.target
    return columns.of_command(session, plan, assigned=request.assigned, generated=target.generated)()


def framed(session: SparkSession, name: str) -> ColumnLineage:
    """What a query of the DataFrame API would write."""
    frame = FRAMES[name](session)
    if isinstance(frame, ColumnLineage):
        return frame
    return columns.trace(session, frame._jdf.queryExecution().analyzed())


@pytest.mark.parametrize("name", CASES)
def test_every_edge_of_a_small_query(tables: SparkSession, name: str) -> None:
    case = CASES[name]
    lineage = framed(tables, case["frame"]) if "frame" in case else traced(tables, case["sql"])
    assert (lineage.degraded, list(lineage.gaps)) == (case.get("degraded"), case.get("gaps", []))
    assert lineage.columns.keys() == case["columns"].keys()
    assert found(lineage) == expected(case)


@pytest.mark.parametrize("number", TPCH)
def test_every_edge_of_a_tpch_query(tables: SparkSession, tpch: dict[int, str], number: int) -> None:
    lineage = traced(tables, tpch[number].rstrip().rstrip(";"))
    assert (lineage.degraded, lineage.gaps) == (None, ())
    assert list(lineage.columns) == list(TPCH[number]["columns"])
    assert found(lineage) == expected(TPCH[number], lambda column: f"{PREFIXES[column.partition('_')[0]]}.{column}")


def test_the_truth_set_has_every_kind_of_edge() -> None:
    kinds = Counter(how for case in (*CASES.values(), *TPCH.values()) for _, how, _ in expected(case))
    wanted = "IDENTITY TRANSFORMATION AGGREGATION JOIN GROUP_BY FILTER SORT WINDOW CONDITIONAL"
    assert set(wanted.split()) <= kinds.keys()
    assert len(CASES) == len(FIRST) + len(SECOND) >= 120
