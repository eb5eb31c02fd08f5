"""Deeds at the leaves of an Arrow array, whatever it is nested in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.governance.protection.values import Change, change_of, repeats, tokens_by

if TYPE_CHECKING:
    import pyarrow

    from hookline.governance.protection.deeds import Deed, Keyed, Names

# By what is left of their names: the change, and whether equal texts become equal ones.
_Leaves = Mapping["Names", tuple[Change, bool]]


def changer(deeds: Sequence[Deed], *, subjects: bool) -> Callable[..., pyarrow.Array]:
    """A function of a top-level column's array, for ``arrow_udf``.

    Args:
        subjects: it takes a second array, which says whose values they are.
    """
    import pyarrow as pa

    kept = tuple(deeds)

    def change(array: Any, whose: Any) -> Any:
        leaves = {deed.names[1:]: (change_of(deed), repeats(deed.rule)) for deed in kept}
        return _changed(array, leaves, whose)

    def change_alone(array: Any) -> Any:
        return change(array, None)

    made = change if subjects else change_alone
    # Spark shows its name, and tells by its annotations what kind of function it is.
    made.__name__ = "hookline_" + "_".join(sorted({deed.action for deed in kept}))
    made.__annotations__ = {"array": pa.Array, **({"whose": pa.Array} if subjects else {}), "return": pa.Array}
    return made


def tokenizer(keyed: Keyed) -> Callable[..., pyarrow.Array]:
    """A function of an array of texts that makes tokens, for ``arrow_udf``."""
    import pyarrow as pa

    def change(array: Any) -> Any:
        make = tokens_by(keyed)
        return _texts(array, lambda text, _: make(text), True, None)

    change.__name__ = "hookline_tokenize"
    change.__annotations__ = {"array": pa.Array, "return": pa.Array}
    return change


def _changed(array: Any, leaves: _Leaves, subjects: Any) -> Any:
    import pyarrow as pa

    if () in leaves and not pa.types.is_list(array.type):
        return _texts(array, *leaves[()], subjects)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.offset or array.null_count:
        array = pa.concat_arrays([array])  # without an offset its buffers are what they seem
    kind, mask = array.type, array.is_null()
    if pa.types.is_struct(kind):
        parts = []
        for place, field in enumerate(kind):
            below = {names[1:]: leaf for names, leaf in leaves.items() if names[0] == field.name}
            part = array.field(place)
            parts.append(_changed(part, below, subjects) if below else part)
        fields = [pa.field(field.name, part.type, field.nullable) for field, part in zip(kind, parts, strict=True)]
        return pa.StructArray.from_arrays(parts, fields=fields, mask=mask)
    if pa.types.is_map(kind):
        sides = []
        for side, part in (("key", array.keys), ("value", array.items)):
            below = {names[1:]: leaf for names, leaf in leaves.items() if names[0] == side}
            sides.append(_changed(part, below, None) if below else part)
        return pa.MapArray.from_arrays(array.offsets, *sides, mask=mask)
    return pa.ListArray.from_arrays(array.offsets, _changed(array.values, leaves, None), mask=mask)


def _texts(array: Any, change: Change, repeats: bool, subjects: Any) -> Any:
    import pyarrow as pa

    texts = array.to_pylist()
    whose = subjects.to_pylist() if subjects is not None else [None] * len(texts)
    known: dict[tuple[str, str | None], str | None] = {}
    found: list[str | None] = []
    for text, subject in zip(texts, whose, strict=True):
        if text is None:
            found.append(None)
        elif not repeats:
            found.append(change(text, subject))
        else:
            pair = text, subject
            if pair not in known:
                known[pair] = change(text, subject)
            found.append(known[pair])
    return pa.array(found, pa.string())
