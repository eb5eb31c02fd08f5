"""A column of Arrow's record batches by its name, also in structs: looked at, and made null."""

from __future__ import annotations

from typing import Any

from hookline.core.errors import ProtectionError

Names = tuple[str, ...]


def names_of(column: str, schema: Any) -> Names:
    """The way to a column: its name, or names of structs with dots between them; the longest name is tried first.

    Raises:
        ProtectionError: it is not there, or is in an array or a map.
    """
    import pyarrow as pa

    parts, kind = column.split("."), schema
    found: Names = ()
    while parts:
        known = {name.lower(): name for name in reversed(_fields(kind))}
        size = next((size for size in range(len(parts), 0, -1) if ".".join(parts[:size]).lower() in known), 0)
        if not size:
            raise ProtectionError(f"a file has no column {column!r} that could be looked at")
        name = known[".".join(parts[:size]).lower()]
        kind = kind.field(name).type
        found, parts = (*found, name), parts[size:]
        if parts and not pa.types.is_struct(kind):
            raise ProtectionError(
                f"the column {column!r} is in an array or a map, where it does not say whose row it is"
            )
    return found


def at(batch: Any, names: Names) -> Any:
    """The column."""
    import pyarrow.compute as pc

    array = batch.column(batch.schema.get_field_index(names[0]))
    for name in names[1:]:
        array = pc.struct_field(array, name)
    return array


def not_null(batch: Any, column: str) -> list[bool]:
    """Of each row whether it has something there.

    Raises:
        ProtectionError: see ``names_of``.
    """
    return [bool(one) for one in at(batch, names_of(column, batch.schema)).is_valid().to_pylist()]


def loosened(schema: Any, names: Names) -> Any:
    """The schema with a column that may be null: Spark writes one that never was as one that can't be, and reads both alike."""
    place = schema.get_field_index(names[0])
    return schema.set(place, _loosened(schema.field(place), names[1:]))


def with_nulls(batch: Any, names: Names, meant: list[bool]) -> Any:
    """The rows, with nothing in the column of those that are meant."""
    place = batch.schema.get_field_index(names[0])
    field = _loosened(batch.schema.field(place), names[1:])
    return batch.set_column(place, field, _nulled(batch.column(place), field.type, names[1:], meant))


def array_of(meant: list[bool]) -> Any:
    """Truth values as Arrow has them."""
    import pyarrow as pa

    return pa.array(meant, pa.bool_())


def _nulled(array: Any, kind: Any, names: Names, meant: list[bool]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not names:
        return pc.if_else(array_of(meant), pa.scalar(None, kind), array)
    parts = [pc.struct_field(array, [place]) for place in range(kind.num_fields)]
    place = _place(kind, names[0])
    parts[place] = _nulled(parts[place], kind.field(place).type, names[1:], meant)
    return pa.StructArray.from_arrays(parts, fields=[*kind], mask=array.is_null())


def _loosened(field: Any, names: Names) -> Any:
    """The field, when the way to what becomes null ends in it; else with a field in it that does."""
    import pyarrow as pa

    if not names:
        return field.with_nullable(True)
    fields = [*field.type]
    place = _place(field.type, names[0])
    fields[place] = _loosened(fields[place], names[1:])
    return field.with_type(pa.struct(fields))


def _place(kind: Any, name: str) -> int:
    return next(place for place in range(kind.num_fields) if kind.field(place).name == name)


def _fields(kind: Any) -> list[str]:
    """The names in a schema or a struct."""
    import pyarrow as pa

    return (
        list(kind.names)
        if isinstance(kind, pa.Schema)
        else [kind.field(place).name for place in range(kind.num_fields)]
    )
