"""Which columns the clauses of an UPDATE or a MERGE set, as their author named them.

Spark's analysis completes every such clause to all columns of the table, the others set to themselves: in it ``SET b = b`` can't
be told from a clause that does not mention ``b``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hookline.lineage.columns import Assigned, Names
from hookline.pipelines import plans

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# The order in which an analyzed MERGE has its clauses.
_KINDS = ("DeltaMergeIntoMatched", "DeltaMergeIntoNotMatched", "DeltaMergeIntoNotMatchedBySource")


def by_statement(command: Any) -> Assigned:
    """Of a parsed ``UPDATE`` or ``MERGE``."""
    kind = plans.node_class(command)
    if kind == "UpdateTable":
        return (_keys(command),)
    return by_merge(command) if kind == "MergeIntoTable" else ()


def by_merge(merge: Any) -> Assigned:
    """Of a parsed ``MERGE``, or of the writer behind ``DataFrame.mergeInto``."""
    several = (merge.matchedActions(), merge.notMatchedActions(), merge.notMatchedBySourceActions())
    actions = [action for one in several for action in plans.sequence(one)]
    return tuple(_keys(action) if plans.node_class(action) == "UpdateAction" else None for action in actions)


def by_delta_merge(builder: Any) -> Assigned:
    """Of a ``DeltaMergeBuilder`` of the JVM, whose clauses are in the order of the calls."""
    clauses = [(plans.node_class(one), one) for one in plans.sequence(plans.private_field(builder, "whenClauses"))]
    return tuple(
        _targets(clause) if "Update" in kind else None
        for wanted in _KINDS
        for kind, clause in clauses
        if kind.startswith(wanted) and ("BySource" in kind) == ("BySource" in wanted)
    )


def by_names(spark: SparkSession, names: Iterable[str]) -> Assigned:
    """Of ``DeltaTable.update``: the columns as they are written."""
    parser = spark._jsparkSession.sessionState().sqlParser()
    return (tuple(_parts(parser.parseMultipartIdentifier(name)) for name in names),)


def _keys(action: Any) -> tuple[Names, ...]:
    keys = [assignment.key() for assignment in plans.sequence(action.assignments())]
    return tuple(_parts(key.nameParts()) for key in keys if plans.node_class(key) == "UnresolvedAttribute")


def _targets(clause: Any) -> tuple[Names, ...]:
    actions = [action for action in plans.sequence(clause.actions()) if plans.node_class(action) == "DeltaMergeAction"]
    return tuple(_parts(action.targetColNameParts()) for action in actions)


def _parts(java: Any) -> Names:
    return tuple(str(part) for part in plans.sequence(java))
