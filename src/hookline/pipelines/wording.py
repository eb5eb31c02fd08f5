"""Errors and verdicts in words that quote no data."""

from __future__ import annotations

from hookline.core.events import ErrorInfo, Verdict


def refusal(verdict: Verdict) -> str:
    """A refusing verdict in a sentence, aggregates only."""
    what = f"{verdict.failing_rows} rows fail" if verdict.failing_rows is not None else f"observed {verdict.observed}"
    if verdict.status != "failed":
        what = verdict.message or verdict.status
    expected = f", expected {verdict.expected}" if verdict.expected else ""
    return f"check {verdict.check!r} ({verdict.severity}): {what}{expected}"


def error_info(error: BaseException) -> ErrorInfo:
    """The class of an exception and Spark's error condition; never its text, which may quote rows."""
    condition = None
    for name in ("getCondition", "getErrorClass"):
        method = getattr(error, name, None)
        if callable(method):
            try:
                condition = method()
            except Exception:  # noqa: BLE001 - the exception of a session that is gone can't be asked
                condition = None
            break
    return ErrorInfo(f"{type(error).__module__}.{type(error).__qualname__}", condition)


def exit_code_of(request: SystemExit) -> int:
    """What ``sys.exit`` with this argument makes the process's exit code."""
    if request.code is None:
        return 0
    return request.code & 0xFF if isinstance(request.code, int) else 1


def describe(error: BaseException) -> str:
    """For our own log: hookline's errors say what they mean, others are named by type only."""
    return str(error) if type(error).__module__.startswith("hookline.") else type(error).__name__
