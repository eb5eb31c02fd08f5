"""What a lineage graph is made of: nodes, how one came from another, and what is known of each."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

NodeKind = Literal["dataset", "column", "job"]
EdgeKind = Literal["DIRECT", "INDIRECT"]


class Node(NamedTuple):
    """A dataset, a column of one, or a job.

    Attributes:
        name: the dataset's or the job's name; a column has its dataset's.
        column: a column's own name; a field of a struct is ``column.field``.
    """

    kind: NodeKind
    namespace: str
    name: str
    column: str = ""

    @property
    def id(self) -> str:
        """``namespace|dataset``, ``namespace|dataset|column`` or ``job:namespace|job``; no two nodes have the same."""
        if self.kind == "column":
            return f"{_part(self.namespace)}|{_part(self.name)}|{_part(self.column)}"
        return f"{'job:' if self.kind == 'job' else ''}{_part(self.namespace)}|{_part(self.name)}"

    @property
    def label(self) -> str:
        """For people: a file's path alone, else namespace and name; a column after a dot."""
        if self.kind == "job":
            return self.name
        of_dataset = self.name if self.namespace == "file" else f"{self.namespace}/{self.name.lstrip('/')}"
        return f"{of_dataset}.{self.column}" if self.kind == "column" else of_dataset

    @property
    def dataset(self) -> Node:
        """The dataset that a column belongs to; any other node itself."""
        return Node("dataset", self.namespace, self.name) if self.kind == "column" else self


class How(NamedTuple):
    """In what way a target came from a source.

    Attributes:
        transformation: between columns OpenLineage's subtype (``IDENTITY``, ``AGGREGATION``, ``FILTER`` …); between
            datasets the write's operation.
        masking: the value can't be told from the result.
        note: why the edge is wider than the truth, else empty.
    """

    kind: EdgeKind
    transformation: str = ""
    masking: bool = False
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """``target`` was made from ``source``; numbers of nodes.

    Attributes:
        jobs: (namespace, name) of the jobs that did it.
        run: the id of the run that last did it.
        first_seen, last_seen: seconds since 1970, 0 when not known.
        vague: whether columns are hidden: when it was last done nobody knew which of them came from which.
    """

    number: int
    source: int
    target: int
    how: How
    jobs: frozenset[tuple[str, str]]
    run: str
    first_seen: float
    last_seen: float
    vague: bool


@dataclass
class About:
    """What is known of a node besides its edges.

    Attributes:
        aliases: other names of the same data, such as a table's in the catalog.
        incomplete: why it may come from more than the graph shows.
        owners: names, as the ownership facet has them.
        tags: by key; a column's classification among them.
        type: of a column.
        written_at: when a dataset's data was last written, seconds since 1970.
        passed, failed: how many checks of the last write that was judged passed and failed.
    """

    aliases: set[str] = field(default_factory=set)
    incomplete: str = ""
    owners: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    type: str = ""
    written_at: float = 0.0
    rows: int | None = None
    passed: int = 0
    failed: int = 0


def seconds(text: str) -> float:
    """An ISO 8601 time as seconds since 1970, 0 when it is none; without an offset it is UTC."""
    try:
        # Before 3.11 neither Z nor a fraction of other than 3 or 6 digits is read.
        text = re.sub(r"\.(\d+)", lambda match: f".{match[1][:6]:0<6}", text.strip().upper().replace("Z", "+00:00"))
        moment = dt.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def iso(moment: float) -> str | None:
    """Seconds since 1970 in ISO 8601, UTC; None for 0."""
    return dt.datetime.fromtimestamp(moment, dt.timezone.utc).isoformat() if moment else None


def _part(text: str) -> str:
    """A part of an id: a bar becomes ``%7C``, and what reads like that already gets one more escape."""
    if "|" not in text and "7C" not in text:
        return text
    return re.sub(r"%((?:25)*7C)", r"%25\1", text).replace("|", "%7C")
