"""SQL in a secured session. Spark's own parser says what a text is; only what is known to read, INSERT and DELETE pass.

The names of tables give way to those of the principal's views, at the places where Spark found them. Once analysed, the plan is
looked through again: whatever holds rows has to lie behind a temporary view, whichever way a name was resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hookline.core.text import quoted
from hookline.governance.access.names import folded, written
from hookline.pipelines import plans
from hookline.pipelines.secured.guard import Guard
from hookline.pipelines.secured.permits import Permits
from hookline.pipelines.secured.tables import Tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What a query is made of, as the parser leaves it.
_QUERY = frozenset({
    "Aggregate", "Distinct", "Except", "Filter", "Generate", "GlobalLimit", "Intersect", "Join",
    "LateralJoin", "LocalLimit", "LocalRelation", "Offset", "OneRowRelation", "PipeOperator", "Pivot",
    "Project", "RepartitionByExpression", "Sample", "Sort", "SubqueryAlias", "Tail", "Union", "Unpivot",
    "UnresolvedHaving", "UnresolvedHint", "UnresolvedInlineTable", "UnresolvedRelation",
    "UnresolvedSubqueryColumnAliases", "UnresolvedTVFAliases", "UnresolvedTableValuedFunction",
    "UnresolvedWith", "Window", "WithWindowDefinition",
})  # fmt: skip
# What holds rows that are no table's.
_HARMLESS = frozenset({"CTERelationRef", "LocalRelation", "OneRowRelation", "Range", "UnionLoopRef"})
_TABLE = re.compile(r"\bTABLE\s*$", re.IGNORECASE)
_ANY_CODE = frozenset({"reflect", "java_method", "try_reflect", "callmethodviareflection", "tryreflect"})


class Statements:
    """One statement of a secured session."""

    def __init__(self, session: SparkSession, guard: Guard, tables: Tables) -> None:
        self._session, self._guard, self._tables = session, guard, tables

    def permitted(self, text: str) -> tuple[str, bool]:
        """The text to run in place of this one, and whether it writes.

        Raises:
            AccessDeniedError: it is nothing that the principal may run.
        """
        if "${" in text:
            raise self._guard.refused(
                "select", "", "a secured session has no ${variables}: what is read has to be what is run"
            )
        plan = self._parsed(text)
        kind = plans.node_class(plan)
        if kind == "InsertIntoStatement":
            return self._insert(plan, text), True
        if kind == "DeleteFromTable":
            return self._delete(plan, text), True
        rewritten = self._rewritten(plan, text)
        self._only_views(self._parsed(rewritten))
        return rewritten, False

    def check(self, plan: Any) -> None:
        """Look through what Spark made of a query.

        Raises:
            AccessDeniedError: something in it reads past the views.
        """
        for node in self._outside_views(plan):
            kind = plans.node_class(node)
            if node.children().isEmpty() and kind not in _HARMLESS:
                raise self._guard.refused(
                    "select", "", f"this reads something that is no table of the session's ({kind})"
                )
            self._refuse_code(node)

    def _insert(self, plan: Any, text: str) -> str:
        target = self._target(plan.table())
        self._alone(plan, target)
        rewritten = self._rewritten(plan.query(), text)
        again = self._parsed(rewritten)
        if plans.node_class(again) != "InsertIntoStatement" or self._target(again.table()) != target:
            raise self._guard.refused("insert", written(target), "this can't be told what it means")
        self._only_views(again.query())
        self.check(plans.analyzed(self._session, again.query()))
        permits = Permits(self._guard, self._tables)
        permits.insert(target, replacing=bool(plan.overwrite()) or _replaces(plan))
        return rewritten

    def _delete(self, plan: Any, text: str) -> str:
        target = self._target(plan.table())
        self._alone(plan, target)
        Permits(self._guard, self._tables).delete(target)
        return text

    def _alone(self, plan: Any, target: tuple[str, ...]) -> None:
        """A statement's own conditions have no queries in them."""
        if not plan.innerChildren().isEmpty():
            raise self._guard.refused("delete", written(target), "conditions of INSERT and DELETE have no queries here")
        self._refuse_code(plan)

    def _target(self, node: Any) -> tuple[str, ...]:
        while plans.node_class(node) == "SubqueryAlias":
            node = node.child()
        if plans.node_class(node) != "UnresolvedRelation":
            raise self._guard.refused("insert", "", "what is written to is no table by its name")
        parts = _parts(node)
        if len(parts) == 1 and self._tables.is_temporary(parts[0]):
            raise self._guard.refused("insert", parts[0], "a temporary view is not written to")
        return parts

    def _rewritten(self, plan: Any, text: str) -> str:
        """With views in place of tables, from the end to the beginning."""
        places: dict[tuple[int, int], str] = {}
        nodes, own = self._query(plan)
        for node, above in nodes:
            if plans.node_class(node) != "UnresolvedRelation":
                continue
            parts = _parts(node)
            if self._tables.is_the_users(parts) or (len(parts) == 1 and folded(parts[0]) in own):
                continue
            origin = node.origin()
            begin, end = int(origin.startIndex().get()), int(origin.stopIndex().get()) + 1
            # Columns may be named with the table's name before them; `TABLE name` has no such columns, and takes no alias.
            bare = above == "SubqueryAlias" or _TABLE.search(text[:begin])
            places[begin, end] = quoted(self._tables.view(parts)) + ("" if bare else f" AS {quoted(parts[-1])}")
        for (begin, end), name in sorted(places.items(), reverse=True):
            text = text[:begin] + name + text[end:]
        return text

    def _query(self, plan: Any) -> tuple[list[tuple[Any, str]], set[str]]:
        """The nodes of a query, each with the class of what it stands in, and what its WITHs name."""
        nodes = list(_walk(plan))
        for node, _ in nodes:
            kind = plans.node_class(node)
            if kind not in _QUERY:
                text = f"a secured session runs queries, INSERT and DELETE, and no {kind}; its catalog lists tables"
                raise self._guard.refused("select", "", text)
            self._refuse_code(node)
        return nodes, {folded(name) for node, _ in nodes for name in _named_within(node)}

    def _only_views(self, plan: Any) -> None:
        """What the rewritten text is, as Spark reads it: a query over temporary views and what it names itself."""
        nodes, own = self._query(plan)
        for node, _ in nodes:
            if plans.node_class(node) == "UnresolvedRelation":
                parts = _parts(node)
                if len(parts) != 1 or not (folded(parts[0]) in own or self._tables.is_temporary(parts[0])):
                    raise self._guard.refused("select", written(parts), "this can't be told what it means")

    def _parsed(self, text: str) -> Any:
        return self._session._jsparkSession.sessionState().sqlParser().parsePlan(text)

    def _outside_views(self, plan: Any) -> Iterator[Any]:
        if plans.node_class(plan) == "View" and plan.isTempView():
            return
        yield plan
        for below in (*plans.sequence(plan.children()), *plans.sequence(plan.innerChildren())):
            yield from self._outside_views(below)

    def _refuse_code(self, node: Any) -> None:
        """Functions that run any method of the JVM's, and names that are only made when the query is."""
        for expression in _expressions(node):
            kind = plans.simple_class(expression)
            name = folded(kind)
            if kind == "UnresolvedFunction":
                name = folded(str(expression.nameParts().last()))
            if name in _ANY_CODE or "UnresolvedIdentifier" in kind:
                raise self._guard.refused("select", "", f"{kind} is not for a secured session: it may lead anywhere")


def _walk(plan: Any, above: str = "") -> Iterator[tuple[Any, str]]:
    """A plan, its subqueries and what a WITH names, each with the class of what it stands in."""
    yield plan, above
    kind = plans.node_class(plan)
    for below in (*plans.sequence(plan.children()), *plans.sequence(plan.innerChildren())):
        yield from _walk(below, kind)


def _expressions(node: Any) -> Iterator[Any]:
    waiting = list(plans.sequence(node.expressions()))
    while waiting:
        expression = waiting.pop()
        yield expression
        waiting += plans.sequence(expression.children())


def _named_within(node: Any) -> list[str]:
    """What a WITH calls its queries."""
    if plans.node_class(node) != "UnresolvedWith":
        return []
    return [str(relation.productElement(0)) for relation in plans.sequence(node.cteRelations())]


def _parts(node: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in plans.sequence(node.multipartIdentifier()))


def _replaces(plan: Any) -> bool:
    """INSERT … REPLACE WHERE, which some versions have."""
    names = str(plan.productElementNames().mkString(",")).split(",")
    return "replaceCriteriaOpt" in names and bool(plan.replaceCriteriaOpt().isDefined())
