"""Edges that were found, held against the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PREFIXES = {"c": "customer", "l": "lineitem", "n": "nation", "o": "orders", "p": "part", "ps": "partsupp"}
PREFIXES |= {"r": "region", "s": "supplier"}
DIRECT = frozenset({"IDENTITY", "TRANSFORMATION", "AGGREGATION"})
# A query, its column (nothing: all rows), how, and the source's column, which tells its table.
Edge = tuple[str, str, str, str]


@dataclass(frozen=True)
class Score:
    """How many edges are right, wrong and missing."""

    right: int
    wrong: int
    missing: int

    @property
    def precision(self) -> float:
        """Of those that were found."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Of those that there are."""
        return self.right / (self.right + self.missing) if self.right + self.missing else 0.0


def score(expected: set[Edge], found: set[Edge], kind: str) -> Score:
    """The edges of one kind: DIRECT, or INDIRECT."""
    own, theirs = ({edge for edge in edges if (edge[2] in DIRECT) == (kind == "DIRECT")} for edges in (expected, found))
    return Score(len(own & theirs), len(theirs - own), len(own - theirs))


def truth() -> set[Edge]:
    """The edges of tests/lineage/truth/tpch.yaml, named as the job names its columns."""
    queries = yaml.safe_load((ROOT / "tests" / "lineage" / "truth" / "tpch.yaml").read_text())
    found: set[Edge] = set()
    for number, query in queries.items():
        for place, (name, by) in enumerate(query["columns"].items()):
            column = f"c{place}" if "(" in name else name
            found |= {
                (f"q{number}", column, how.removesuffix(" masked"), source) for how, of in by.items() for source in of
            }
        found |= {(f"q{number}", "", how, source) for how, of in query["rows"].items() for source in of}
    return found


def small_cases() -> int:
    """How many small queries the truth has besides."""
    files = (ROOT / "tests" / "lineage" / "truth" / f"{name}.yaml" for name in ("cases", "more_cases"))
    return sum(len(yaml.safe_load(file.read_text())) for file in files)


def our_edges(state: Path) -> set[Edge]:
    """What the last run's store says."""
    from hookline.core.store import Store

    store = Store(f"sqlite:///{state / 'store.db'}")
    found: set[Edge] = set()
    for one in store.column_lineages():
        query = Path(one.target[1]).name
        for column, inputs in one.lineage.columns.items():
            found |= {(query, column, edge.transformation, edge.column) for edge in inputs}
        found |= {(query, "", edge.transformation, edge.column) for edge in one.lineage.dataset}
    store.close()
    return found


def peer_edges(events: Path) -> set[Edge]:
    """What the columnLineage facets of OpenLineage events say."""
    found: set[Edge] = set()
    for line in events.read_text().splitlines() if events.exists() else ():
        for output in json.loads(line).get("outputs") or ():
            facet: dict[str, Any] = (output.get("facets") or {}).get("columnLineage") or {}
            query = Path(output["name"]).name
            for column, field in (facet.get("fields") or {}).items():
                found |= {(query, column, how, source) for how, source in _inputs(field["inputFields"])}
            found |= {(query, "", how, source) for how, source in _inputs(facet.get("dataset") or ())}
    return found


def _inputs(fields: Any) -> Iterator[tuple[str, str]]:
    for field in fields:
        for transformation in field.get("transformations") or ():
            yield transformation.get("subtype", ""), field["field"]
