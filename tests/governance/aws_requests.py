"""Whether a request is one that AWS takes: botocore's service model, enum values, lengths and patterns included.

botocore's own validation looks at names, required members, types and minima; a value that is in no enum passes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
    "timestamp": (int, float, str),
    "double": (int, float),
    "float": (int, float),
    "blob": (str,),
}


@cache
def model_of(service: str) -> Any:
    """What botocore knows of a service."""
    from botocore.session import get_session

    return get_session().get_service_model(service)


def problems(service: str, operation: str, arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with the arguments of a call, as they are on their way; nothing when AWS would look at them."""
    model = model_of(service)
    if operation not in model.operation_names:
        return [f"{service} has no operation {operation}"]
    return [*_wrong(model.operation_model(operation).input_shape, arguments, operation)]


def _wrong(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if not isinstance(value, _KINDS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{where}: {type(value).__name__} where {kind} is wanted"
        return
    if kind == "structure":
        yield from (f"{where} lacks {name}" for name in shape.required_members if name not in value)
        for name, one in value.items():
            if name not in shape.members:
                yield f"{where} has no {name}"
            else:
                yield from _wrong(shape.members[name], one, f"{where}.{name}")
    elif kind == "list":
        for number, one in enumerate(value):
            yield from _wrong(shape.member, one, f"{where}[{number}]")
    elif kind == "map":
        for key, one in value.items():
            yield from _wrong(shape.key, key, f"{where}.{key}")
            yield from _wrong(shape.value, one, f"{where}.{key}")
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{where}: {value!r} is none of {', '.join(shape.enum)}"
    yield from _limits(shape, value, where)


def _limits(shape: Any, value: Any, where: str) -> Iterator[str]:
    size = (
        value
        if shape.type_name in ("integer", "long")
        else len(value)
        if isinstance(value, (str, list, dict))
        else None
    )
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if size is not None and least is not None and size < least:
        yield f"{where}: {size} is less than {least}"
    if size is not None and most is not None and size > most:
        yield f"{where}: {size} is more than {most}"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not _pattern(pattern).fullmatch(value):
        yield f"{where}: {value!r} does not match {pattern}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Java's pattern as Python's: letters and numbers of all scripts, and no surrogates, which Python's texts do not have."""
    plain = text.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\w").replace(r"\p{Z}", r" ")
    return re.compile(plain.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff"))
