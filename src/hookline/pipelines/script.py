"""Running somebody's script as Python itself would: same ``__main__``, arguments, import path, traceback and exit code."""

from __future__ import annotations

import builtins
import io
import os
import runpy
import sys
import threading
import types
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path

from hookline.core.errors import ConfigError, WriteRefusedError
from hookline.core.events import ErrorInfo
from hookline.pipelines import tracebacks
from hookline.pipelines.exits import ExitFunctions
from hookline.pipelines.wording import error_info, exit_code_of


@dataclass(frozen=True)
class Outcome:
    """How a script ended: its own exit code, the exception that ended it, and whether it was a Ctrl-C."""

    exit_code: int
    error: ErrorInfo | None = None
    refused: bool = False
    interrupted: bool = False


def name_of(command: Sequence[str]) -> str:
    """A job's name: the script's file name without its suffix, or the module's."""
    return command[1] if command[0] == "-m" else Path(command[0]).stem


def execute(command: Sequence[str]) -> Outcome:
    """Run ``script.py ARGS`` or ``-m module ARGS`` in this process, to the end of its last non-daemon thread, and what it
    left to the end of the process.

    Raises:
        ConfigError: when there is no such script.
    """
    others = frozenset(threading.enumerate())
    body = _module_body(command) if command[0] == "-m" else _script_body(command)
    with ExitFunctions() as functions:
        try:
            return _outcome_of(body)
        finally:
            _join_threads(others)
            functions.run()


def _script_body(command: Sequence[str]) -> Callable[[], object]:
    if os.path.isdir(command[0]) or command[0].endswith((".zip", ".pyz", ".whl")):
        _take_process(command, os.path.abspath(command[0]))
        return _as_main("__main__", alter_argv=False)
    path = os.path.abspath(command[0])
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        raise ConfigError(f"can't open the job {command[0]!r}: {error.strerror}; the script comes after `--`") from None
    module = _new_main()
    loader = SourceFileLoader("__main__", path)
    module.__dict__.update(__file__=path, __builtins__=builtins, __cached__=None, __package__=None, __loader__=loader)
    _take_process(command, os.path.dirname(os.path.realpath(path)))
    return lambda: exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _module_body(command: Sequence[str]) -> Callable[[], object]:
    if len(command) < 2:
        raise ConfigError("-m needs the name of a module: hookline run -- -m package.module ARGS")
    _take_process(command[1:], os.getcwd())
    return _as_main(command[1], alter_argv=True)


def _as_main(name: str, *, alter_argv: bool) -> Callable[[], object]:
    """What Python itself calls for ``-m``, folders and zip files; runpy's public functions set up another ``__main__``."""
    _new_main()
    return lambda: runpy._run_module_as_main(name, alter_argv)  # type: ignore[attr-defined]


def _new_main() -> types.ModuleType:
    sys.modules["__main__"] = types.ModuleType("__main__")
    return sys.modules["__main__"]


def _take_process(argv: Sequence[str], first_on_path: str) -> None:
    sys.argv[:] = argv
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = first_on_path


def _outcome_of(body: Callable[[], object]) -> Outcome:
    try:
        body()
    except SystemExit as exit_request:
        _say_why(exit_request)
        return Outcome(exit_code_of(exit_request))
    except KeyboardInterrupt as error:
        _show(error)
        return Outcome(130, error_info(error), interrupted=True)
    except BaseException as error:  # noqa: BLE001 - whatever ends a script ends it with code 1
        _show(error)
        return Outcome(1, error_info(error), refused=_is_refusal(error))
    return Outcome(0)


def _is_refusal(error: BaseException) -> bool:
    """A refusal, or the end of a streaming query whose batch function got one: Spark only keeps the traceback's text."""
    if type(error).__name__ == "StreamingQueryException":
        return f"{WriteRefusedError.__module__}.{WriteRefusedError.__qualname__}: " in str(error)
    return isinstance(error, WriteRefusedError)


def _say_why(request: SystemExit) -> None:
    """``sys.exit("text")`` prints the text."""
    if request.code is not None and not isinstance(request.code, int):
        flush_output()
        with suppress(AttributeError, ValueError):
            sys.stderr.write(f"{request.code}\n")


def _show(error: BaseException) -> None:
    """The job's own traceback, by whatever hook it installed, without our frames."""
    tracebacks.trim(error, first_file=__file__)
    flush_output()
    show = getattr(sys, "excepthook", None) or sys.__excepthook__  # a job may have done away with it
    show(type(error), error, error.__traceback__)


def flush_output() -> None:
    """Flush what the job has printed; it may have closed the streams."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError, OSError):
            stream.flush()


def _join_threads(others: Container[threading.Thread]) -> None:
    """Python waits for a script's non-daemon threads; what they write belongs to the run.

    Args:
        others: threads that are older than the script, such as plugins' own.
    """
    # Before that it tells idle pools of threads to end (threading._shutdown does the same).
    for end_pool in reversed(getattr(threading, "_threading_atexits", [])):
        end_pool()
    for thread in threading.enumerate():
        if thread not in others and not thread.daemon:
            thread.join()
