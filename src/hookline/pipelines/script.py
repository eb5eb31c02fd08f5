"""Running somebody's script as Python itself would: same ``__main__``, arguments, import path, traceback and exit code."""

from __future__ import annotations

import io
import os
import runpy
import sys
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookline.core.errors import ConfigError
from hookline.core.events import ErrorInfo
from hookline.pipelines.wording import error_info


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
    """Run ``script.py ARGS`` or ``-m module ARGS`` in this process, to the end of its last non-daemon thread.

    Raises:
        ConfigError: when there is no such script.
    """
    body = _module_body(command) if command[0] == "-m" else _script_body(command)
    try:
        return _outcome_of(body)
    finally:
        _join_threads()


def _script_body(command: Sequence[str]) -> Callable[[], object]:
    path = command[0]
    if os.path.isdir(path) or path.endswith((".zip", ".pyz", ".whl")):
        _take_process(command, path)
        return lambda: runpy.run_path(path, run_name="__main__")
    try:
        with io.open_code(os.path.abspath(path)) as file:
            source = file.read()
    except OSError as error:
        raise ConfigError(f"can't open the job {path!r}: {error.strerror}; the script comes after `--`") from None
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=__builtins__, __cached__=None, __package__=None)
    _take_process(command, os.path.dirname(os.path.realpath(path)))
    sys.modules["__main__"] = module
    return lambda: exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102


def _module_body(command: Sequence[str]) -> Callable[[], object]:
    if len(command) < 2:
        raise ConfigError("-m needs the name of a module: hookline run -- -m package.module ARGS")
    _take_process(command[1:], os.getcwd())
    return lambda: runpy.run_module(command[1], run_name="__main__", alter_sys=True)


def _take_process(argv: Sequence[str], first_on_path: str) -> None:
    sys.argv[:] = argv
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = first_on_path


def _outcome_of(body: Callable[[], object]) -> Outcome:
    from hookline.core.errors import WriteRefusedError

    try:
        body()
    except SystemExit as exit_request:
        return Outcome(_exit_code(exit_request))
    except KeyboardInterrupt as error:
        _show(error)
        return Outcome(130, error_info(error), interrupted=True)
    except BaseException as error:  # noqa: BLE001 - whatever ends a script ends it with code 1
        _show(error)
        return Outcome(1, error_info(error), refused=isinstance(error, WriteRefusedError))
    return Outcome(0)


def _exit_code(request: SystemExit) -> int:
    if request.code is None:
        return 0
    if isinstance(request.code, int):
        return request.code & 0xFF
    sys.stderr.write(f"{request.code}\n")
    return 1


def _show(error: BaseException) -> None:
    """The job's own traceback, by whatever hook it installed, without the frames that led to its first line."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename in (__file__, runpy.__file__):
        traceback = traceback.tb_next
    sys.stdout.flush()
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)


def _join_threads() -> None:
    """Python waits for a script's non-daemon threads; what they write belongs to the run."""
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
