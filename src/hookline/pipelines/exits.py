"""What a job registers with ``atexit``: it belongs to the job, and runs before its run ends."""

from __future__ import annotations

import atexit
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace, TracebackType
from typing import Any

from hookline.pipelines import tracebacks

_Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class ExitFunctions:
    """Stands in for ``atexit`` while a job runs. Plugins' own functions, which are older, stay where they are."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._register = atexit.register
        self._unregister = atexit.unregister

    def __enter__(self) -> ExitFunctions:
        atexit.register = self._add
        atexit.unregister = self._remove
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        atexit.register = self._register
        atexit.unregister = self._unregister

    def run(self) -> None:
        """Call them as Python does at its end: the latest first, and what they raise is told and passed over."""
        for call in reversed(tuple(self._calls)):  # one that is registered by now comes too late
            if not any(call is one for one in self._calls):
                continue
            function, args, kwargs = call
            try:
                function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - Python's end can't be stopped by any of them
                _tell(function, error)
        self._calls.clear()

    def _add(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        self._calls.append((function, args, kwargs))
        return function

    def _remove(self, function: Callable[..., Any], /) -> None:
        self._calls = [call for call in self._calls if call[0] != function]
        self._unregister(function)


def _tell(function: Callable[..., Any], error: BaseException) -> None:
    tracebacks.trim(error, first_file=__file__)
    what = "Exception ignored in atexit callback"
    if sys.unraisablehook is not sys.__unraisablehook__:
        told = {"exc_type": type(error), "exc_value": error, "exc_traceback": error.__traceback__}
        sys.unraisablehook(SimpleNamespace(**told, err_msg=what, object=function))
        return
    with suppress(AttributeError, ValueError, OSError):  # the job may have closed it
        sys.stderr.write(f"{what}: {function!r}\n")
        sys.stderr.write("".join(traceback.format_exception(error)))
