"""Where the columns of a write came from, as OpenLineage tells it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hookline.core.events import ColumnInput, ColumnLineage
from hookline.lineage.facets.base import Facet, FacetMaker


def column_lineage(make: FacetMaker, lineage: ColumnLineage | None) -> Facet:
    """One entry a written column, and in ``dataset`` what decided on all rows.

    Where columns could not be traced the facet is there as well, and says in ``hookline_degraded`` and
    ``hookline_gaps`` what is missing and why.
    """
    if lineage is None:
        return {}
    fields = {column: {"inputFields": _inputs(inputs)} for column, inputs in lineage.columns.items()}
    more: dict[str, Any] = {}
    if lineage.dataset:
        more["dataset"] = _inputs(lineage.dataset)
    if lineage.gaps:
        more["hookline_gaps"] = list(lineage.gaps)
    if lineage.degraded:
        more["hookline_degraded"] = lineage.degraded
    return make("columnLineage", fields=fields, **more)


def _inputs(inputs: Iterable[ColumnInput]) -> list[Facet]:
    """One entry an input column: its ways into the output are its transformations."""
    found: dict[tuple[str, str, str], list[Facet]] = {}
    for one in inputs:
        key = (one.dataset.namespace, one.dataset.name, one.column)
        transformation: Facet = {"type": one.kind, "subtype": one.transformation, "masking": one.masking}
        transformation |= {"description": one.note} if one.note else {}
        if transformation not in found.setdefault(key, []):
            found[key].append(transformation)
    return [
        {"namespace": namespace, "name": name, "field": field, "transformations": ways}
        for (namespace, name, field), ways in found.items()
    ]
