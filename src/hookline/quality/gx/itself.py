"""Great Expectations itself, for what only it can tell: run on the rows as a DataFrame, its context and its output left alone.

Importing it takes seconds: that is done when a suite is read that needs it, never before.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookline.core.errors import MissingExtraError
from hookline.quality.gx.outcomes import plain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# No result ever holds a row's value.
_NO_VALUES: Mapping[str, Any] = {
    "result_format": "SUMMARY",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
}
_PLACE = "hookline place"
_NO_COLUMN = re.compile(r'column "([^"]+)" in BatchData does not exist')
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)?)\]")
_CLASS = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*(?:Error|Exception))(?::|$)")
_OF_ROWS = ("partial_unexpected_list", "partial_missing_list", "partial_unexpected_counts", "unexpected_list")


def ready() -> None:
    """Import it.

    Raises:
        MissingExtraError: it is not installed.
    """
    module("great_expectations")


def module(name: str) -> Any:
    """One of its modules; nothing is sent to anybody.

    Raises:
        MissingExtraError: it is not installed.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        with quiet():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "great_expectations":
            raise
        raise MissingExtraError("great_expectations", "great_expectations") from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without its libraries' deprecations, and without its log, whose tracebacks may quote rows."""
    log = logging.getLogger("great_expectations")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            log.setLevel(level)


def great_expectations(frame: DataFrame, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """The results of expectations, each the JSON of its type and arguments, as JSON-ready values without a row's.

    All are taken together, so that it computes once what they share; those that could not be are then taken alone.
    """
    configurations = [json.loads(one) for one in wanted]
    found = _validate(frame, configurations)
    if len(configurations) > 1:
        for at, result in enumerate(found):
            if result["error"] is not None:
                (found[at],) = _validate(frame, [configurations[at]])
    return found


great_expectations.why = "Great Expectations itself looks at the rows"  # type: ignore[attr-defined]


def _validate(frame: DataFrame, configurations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    configuration = module("great_expectations.expectations.expectation_configuration").ExpectationConfiguration
    with quiet():
        asked = [
            configuration(type=one["type"], kwargs=dict(one["kwargs"]), meta={_PLACE: at})
            for at, one in enumerate(configurations)
        ]
        runtime = {"catch_exceptions": True, "result_format": dict(_NO_VALUES)}
        results = _validator(frame).graph_validate(asked, runtime_configuration=runtime)
    # They come in another order.
    by_place = {(result.expectation_config.meta or {}).get(_PLACE): result for result in results}
    return [_plain(by_place.get(at)) for at in range(len(asked))]


def _validator(frame: DataFrame) -> Any:
    base = module("great_expectations.validator.validator").Validator
    engine = module("great_expectations.execution_engine").SparkDFExecutionEngine(persist=False)
    batch = module("great_expectations.core.batch").Batch(data=frame)
    silent = type("Silent", (base,), {"_determine_progress_bars": lambda self: False})
    return silent(execution_engine=engine, batches=[batch])


def _plain(result: Any) -> dict[str, Any]:
    if result is None:
        return {"success": False, "result": {}, "error": "Great Expectations gave no result"}
    raised = _raised(result.exception_info or {})
    if raised is not None:
        return {"success": False, "result": {}, "error": raised}
    shown = {name: plain(_unboxed(value)) for name, value in (result.result or {}).items() if name not in _OF_ROWS}
    return {"success": bool(result.success), "result": shown, "error": None}


def _raised(info: Mapping[str, Any]) -> str | None:
    """What was raised, without its text, which may quote a row; None when nothing was."""
    every = [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, Mapping)]
    raised = [one for one in every if one.get("raised_exception")]
    return f"Great Expectations raised {_name_of(raised[0])}" if raised else None


def _name_of(raised: Mapping[str, Any]) -> str:
    """Spark's condition, the column that is not there, or the class of the innermost exception."""
    message = str(raised.get("exception_message") or "")
    if column := _NO_COLUMN.search(message):
        return f"an error: the data has no column {column[1]!r}"
    if condition := _CONDITION.search(message):
        return f"an error in Spark ({condition[1]})"
    lines = str(raised.get("exception_traceback") or "").splitlines()
    kinds = [match[1] for line in lines if (match := _CLASS.match(line)) is not None]
    named = [kind for kind in kinds if kind != "MetricResolutionError"] or kinds
    return named[0] if named else "an exception"


def _unboxed(value: Any) -> Any:
    """Without numpy's types."""
    if isinstance(value, dict):
        return {name: _unboxed(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unboxed(one) for one in value]
    return (
        value.item()
        if hasattr(value, "item") and hasattr(value, "dtype") and not getattr(value, "shape", ())
        else value
    )
