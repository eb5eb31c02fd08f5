"""The options of a transport, checked: OpenLineage's client passes over a key that it does not know, such as a misspelt one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from hookline.core.errors import ConfigError

_OF_ALL = frozenset({"type", "name", "priority"})
# Other spellings, which the client takes as well.
_ALSO: Mapping[str, frozenset[str]] = {
    "http": frozenset({"sslContext", "sslcontext"}),
    "kafka": frozenset({"message_key"}),
}
_NOT_OURS = frozenset({"session", "adapter"})


def check_options(options: Mapping[str, Any], transport: Any) -> None:
    """Look for keys that mean nothing to the transport that was made of them; of a composite, in its parts too.

    Raises:
        ConfigError: there is one.
    """
    for path, key, known in _unknown(options, transport, "transport"):
        near = get_close_matches(key, known, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigError(f"{path}: the transport has no option {key!r}{hint}; it has {', '.join(sorted(known))}")


def _unknown(options: Mapping[str, Any], transport: Any, path: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    known = _known(transport)
    if known is not None:
        yield from ((path, str(key), known) for key in options if str(key) not in known)
    if transport.kind == "composite" and not transport.config.sort_transports:
        told = options.get("transports", ())
        parts = list(told.items()) if isinstance(told, Mapping) else list(enumerate(told))
        for (name, own), part in zip(parts, transport.transports, strict=False):
            yield from _unknown(own, part, f"{path}.transports.{name}")


def _known(transport: Any) -> frozenset[str] | None:
    """The options of one of the client's own transports; None of anybody else's."""
    import attr

    kind, model = transport.kind, transport.config_class
    if not str(type(transport).__module__).startswith("openlineage.") or isinstance(model, str):
        return None
    if dataclasses.is_dataclass(model):
        names = {field.name for field in dataclasses.fields(model)}
    else:
        names = {field.name for field in attr.fields(model)}
    return frozenset((names - _NOT_OURS) | _OF_ALL | _ALSO.get(str(kind), frozenset()))
