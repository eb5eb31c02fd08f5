"""What OpenLineage's facets say of datasets and their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hookline.lineage.nodes import About, How
from hookline.lineage.works import Described, Traced

Facet = dict[str, Any]
_DEEPEST = 50


def described(dataset: Mapping[str, Any]) -> Described:
    """A dataset of an event, without its column lineage."""
    facets = mapping(dataset.get("facets"))
    facets = facets | mapping(dataset.get("inputFacets")) | mapping(dataset.get("outputFacets"))
    about = About(owners=owners_of(facets), aliases=_other_names(facets))
    column_tags: dict[str, dict[str, str]] = {}
    for tag in _dicts(mapping(facets.get("tags")).get("tags")):
        key, value, column = (str(tag.get(name) or "") for name in ("key", "value", "field"))
        (column_tags.setdefault(column, {}) if column else about.tags)[key] = value
    checks = [
        bool(one.get("success")) for one in _dicts(mapping(facets.get("dataQualityAssertions")).get("assertions"))
    ]
    about.passed, about.failed = checks.count(True), checks.count(False)
    rows = mapping(facets.get("outputStatistics")).get("rowCount")
    about.rows = rows if isinstance(rows, int) else None
    about.incomplete = gaps_of(dataset)
    name = (str(dataset["namespace"]), str(dataset["name"]))
    return Described(name, about, dict(_columns(mapping(facets.get("schema")).get("fields"))), column_tags)


def traced(dataset: Mapping[str, Any], *, notes: bool) -> Traced | None:
    """The column lineage of an output; None without that facet, or where ours says that there is none.

    Args:
        notes: whether to keep the descriptions of ways; other producers put expressions there, with values in them.
    """
    facet = mapping(mapping(dataset.get("facets")).get("columnLineage"))
    if not facet or facet.get("hookline_degraded"):
        return None
    found = Traced()
    ways: dict[tuple[Any, ...], How] = {}
    for column, entry in mapping(facet.get("fields")).items():
        fallback = str(mapping(entry).get("transformationType") or "")
        for field in _dicts(mapping(entry).get("inputFields")):
            _add_edges(found, column, field, How("DIRECT", fallback, fallback == "MASKED"), ways, notes)
    for field in _dicts(facet.get("dataset")):
        _add_edges(found, None, field, How("INDIRECT"), ways, notes)
    return found


def _add_edges(
    found: Traced,
    column: str | None,
    field: Mapping[str, Any],
    untold: How,
    ways: dict[tuple[Any, ...], How],
    notes: bool,
) -> None:
    """The edges from one input field; an event of an older producer tells one way for all of them, or none."""
    source = str(field.get("namespace") or ""), str(field.get("name") or ""), str(field.get("field") or "")
    told = field.get("transformations")
    if not isinstance(told, list) or not told:
        found.edges.append((column, *source, untold))
        return
    for way in told:
        if isinstance(way, dict):
            key = (way.get("type"), way.get("subtype"), way.get("masking"), way.get("description") if notes else "")
            try:
                how = ways.get(key)
            except TypeError:  # a list or an object where a word should be
                continue
            if how is None:
                how = ways[key] = _how(*key, untold.kind)
            found.edges.append((column, *source, how))


def _how(kind: Any, subtype: Any, masking: Any, note: Any, otherwise: str) -> How:
    indirect = str(kind or otherwise).upper() == "INDIRECT"
    return How("INDIRECT" if indirect else "DIRECT", str(subtype or "").upper(), bool(masking), str(note or ""))


def gaps_of(dataset: Mapping[str, Any]) -> str:
    """What our own column lineage says that it lacks, and why."""
    facet = mapping(mapping(dataset.get("facets")).get("columnLineage"))
    gaps = facet.get("hookline_gaps")
    told = [facet.get("hookline_degraded"), *(gaps if isinstance(gaps, list) else ())]
    return "; ".join(str(one) for one in told if one)


def owners_of(facets: Any) -> set[str]:
    """The names in an ownership facet."""
    owners = _dicts(mapping(mapping(facets).get("ownership")).get("owners"))
    return {str(owner["name"]) for owner in owners if owner.get("name")}


def environment_of(event: Mapping[str, Any]) -> str | None:
    """The environment that a run was started for, as a parameter (ours) or a tag (others') names it."""
    facets = mapping(mapping(event.get("run")).get("facets"))
    told = _dicts(mapping(facets.get("executionParameters")).get("parameters"))
    for tag in (*told, *_dicts(mapping(facets.get("tags")).get("tags"))):
        if str(tag.get("key", "")).lower() in ("environment", "env") and tag.get("value"):
            return str(tag["value"])
    return None


def mapping(value: Any) -> Facet:
    """The value when it is a JSON object, else an empty one: events of others hold anything."""
    return value if isinstance(value, dict) else {}


def _columns(fields: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Columns and the fields of structs, by their whole names."""
    for field in _dicts(fields):
        if field.get("name"):
            name = f"{prefix}{field['name']}"
            yield name, str(field.get("type") or "")
            if depth < _DEEPEST:
                yield from _columns(field.get("fields"), f"{name}.", depth + 1)


def _other_names(facets: Any) -> set[str]:
    links = _dicts(mapping(mapping(facets).get("symlinks")).get("identifiers"))
    return {str(link["name"]) for link in links if link.get("name")}


def _dicts(value: Any) -> list[Facet]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
