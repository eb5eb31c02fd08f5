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


def nullable(names: Names, schema: Any) -> Names:
    """The same, when it can be null.

    Raises:
        ProtectionError: it can't.
    """
    field = schema.field(names[0])
    for name in names[1:]:
        field = field.type.field(name)
    if not field.nullable:
        raise ProtectionError(f"the column {'.'.join(names)!r} can't be null: delete the rows instead")
    return names


def with_nulls(batch: Any, names: Names, meant: list[bool]) -> Any:
    """The rows, with nothing in the column of those that are meant."""
    place = batch.schema.get_field_index(names[0])
    return batch.set_column(place, batch.schema.field(place), _nulled(batch.column(place), names[1:], meant))


def array_of(meant: list[bool]) -> Any:
    """Truth values as Arrow has them."""
    import pyarrow as pa

    return pa.array(meant, pa.bool_())


def _nulled(array: Any, names: Names, meant: list[bool]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not names:
        return pc.if_else(array_of(meant), pa.scalar(None, array.type), array)
    kind = array.type
    parts = [pc.struct_field(array, [place]) for place in range(kind.num_fields)]
    place = next(place for place in range(kind.num_fields) if kind.field(place).name == names[0])
    parts[place] = _nulled(parts[place], names[1:], meant)
    return pa.StructArray.from_arrays(parts, fields=[*kind], mask=array.is_null())


def _fields(kind: Any) -> list[str]:
    """The names in a schema or a struct."""
    import pyarrow as pa

    return (
        list(kind.names)
        if isinstance(kind, pa.Schema)
        else [kind.field(place).name for place in range(kind.num_fields)]
    )
