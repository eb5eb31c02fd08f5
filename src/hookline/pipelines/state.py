"""The process's one attachment, where the stand-ins in PySpark find it."""

from __future__ import annotations

from hookline.core.runtime import RunScope, Runtime

_runtime: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Make this the process's runtime; None takes it away."""
    global _runtime
    _runtime = runtime


def installed() -> Runtime | None:
    """The process's runtime."""
    return _runtime


def current_scope() -> RunScope | None:
    """The run that a write now belongs to; None when nothing is attached (or in a forked child)."""
    return None if _runtime is None else _runtime.current()
