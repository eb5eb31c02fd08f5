"""Run a job as it is, attached.

    hookline run [--config F] [--env E] [--set K=V] [--json F] -- job.py ARGS
    hookline run -- -m package.module ARGS
    hookline run -- spark-submit --py-files deps.zip job.py ARGS

The exit code is the job's own; 3 when a gate refused a write; 4 when the configuration is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hookline.commands._options import add_config_options, read_config
from hookline.commands._signals import die_of, end_on_signals
from hookline.core import voice

if TYPE_CHECKING:
    from hookline.core.events import RunEnded
    from hookline.pipelines.attach import Attachment
    from hookline.pipelines.script import Outcome

REFUSED = 3
# spark-submit's options that stand alone; every other one takes a value.
_SUBMIT_FLAGS = frozenset({"--verbose", "-v", "--supervise", "--usage-error", "--version", "--help", "-h"})


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.usage = "hookline run [--config F] [--env E] [--set K=V] [--json F] -- job.py ARGS"
    add_config_options(parser)
    parser.add_argument("--json", type=_from_here, metavar="F", help="write the run's summary as JSON to this file")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the job and its arguments")


def _from_here(text: str) -> Path:
    """A path from where it was typed: the job may change its working directory."""
    return Path(text).absolute()


def main(args: argparse.Namespace) -> int:
    """Run it."""
    from hookline.core.errors import ConfigError

    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        raise ConfigError("no job was given: hookline run -- job.py ARGS")
    program = os.path.basename(command[0])
    if program.startswith(("spark-submit", "python")) and not program.endswith(".py"):
        read_config(args)  # a wrong configuration should be known before Spark starts
        through = _through_launcher(command, args)
        if _is_submit(command):
            voice.leave_behind()
        _replace_process(through)
    if command[0] != "-m" and not os.path.exists(command[0]):
        raise ConfigError(
            f"can't open the job {command[0]!r}: no such file. A job is a Python script, `-m module`, "
            "`python …` or `spark-submit …`"
        )
    return _run_here(command, args)


def _run_here(command: list[str], args: argparse.Namespace) -> int:
    from hookline.pipelines import attach, script

    with _nothing_collected():
        config = read_config(args)
        voice.take()
        _log_to_stderr()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        attachment = attach.open_run(config.job or script.name_of(command), config=config)
        _end_on_signals(attachment, args.json)
    outcome = script.execute(command)
    ended = attachment.detach(exit_code=outcome.exit_code, error=outcome.error)
    _write_json(args.json, attachment, ended)
    if outcome.interrupted:
        die_of(signal.SIGINT)
    return _exit_code(attachment, outcome)


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without the garbage collector, which finds next to nothing in what is being loaded; nor does it look at that ever after,
    while the job runs or when the process ends. What the job itself makes is collected as ever.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _exit_code(attachment: Attachment, outcome: Outcome) -> int:
    """3 when a gate refused and the job did not end with a code of its own choice."""
    if attachment.refused and (outcome.exit_code == 0 or outcome.refused):
        return REFUSED
    return outcome.exit_code


def _write_json(path: Path | None, attachment: Attachment, ended: RunEnded | None) -> None:
    from hookline.core.summary import run_document

    if path is None or ended is None:
        return
    try:
        path.write_text(json.dumps(run_document(attachment.run, ended), indent=2, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        logging.getLogger("hookline").error("the summary can't be written to %s: %s", path, error.strerror)


def _log_to_stderr() -> None:
    """Our log goes to stderr, whatever the job does with the root logger: stdout is the job's."""
    handler = _Quiet(voice.stream())
    handler.setFormatter(logging.Formatter("hookline: %(message)s"))
    ours = logging.getLogger("hookline")
    ours.addHandler(handler)
    ours.propagate = False


class _Quiet(logging.StreamHandler[TextIO]):
    """A job or a plugin that closes stderr loses our log; it must not get an exception from it."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""


def _end_on_signals(attachment: Attachment, path: Path | None) -> None:
    from hookline.core.events import ErrorInfo

    def end_run(number: int) -> None:
        ended = attachment.detach(exit_code=128 + number, error=ErrorInfo(signal.Signals(number).name))
        _write_json(path, attachment, ended)

    end_on_signals(end_run)


def _through_launcher(command: list[str], args: argparse.Namespace) -> list[str]:
    """``python -u job.py`` and ``spark-submit … job.py`` with ``hookline run`` in the script's place."""
    import hookline

    launcher = str(Path(hookline.__file__).with_name("__main__.py"))
    position = _script_position(command)
    through = [launcher, "run", *_own_options(args), "--"]
    options = [*_application_name(command, position), *command[1:position]]
    return [command[0], *options, *through, _as_launched(command, position), *command[position + 1 :]]


def _as_launched(command: list[str], position: int) -> str:
    """The script as the launcher would hand it to Python: spark-submit makes its path absolute."""
    return os.path.abspath(command[position]) if _is_submit(command) else command[position]


def _is_submit(command: list[str]) -> bool:
    return os.path.basename(command[0]).startswith("spark-submit")


def _own_options(args: argparse.Namespace) -> list[str]:
    found: list[str] = []
    for flag, value in (("--config", args.config), ("--env", args.env), ("--json", args.json)):
        found += [flag, str(value)] if value is not None else []
    for override in args.set:
        found += ["--set", override]
    return found


def _script_position(command: list[str]) -> int:
    """Where the script stands among the options of ``python`` or ``spark-submit``."""
    from hookline.core.errors import ConfigError

    submit = _is_submit(command)
    position = 1
    while position < len(command):
        word = command[position]
        if not word.startswith("-") or (word == "-m" and not submit):
            _check_submit(command[:position]) if submit else None
            return position
        if not submit and word in ("-c", "-"):
            raise ConfigError("a job is a script or a module; `python -c` can't be attached")
        takes_value = word not in _SUBMIT_FLAGS and "=" not in word if submit else word in ("-W", "-X")
        position += 2 if takes_value else 1
    raise ConfigError(f"no script was found in: {' '.join(command[:3])} …")


def _application_name(command: list[str], position: int) -> list[str]:
    """The job's file name, which spark-submit would take for the application's name when nothing else says one."""
    options = command[1:position]
    named = any(word.startswith(("--name", "--properties-file")) or "spark.app.name=" in word for word in options)
    return ["--name", os.path.basename(command[position])] if _is_submit(command) and not named else []


def _check_submit(options: list[str]) -> None:
    from hookline.core.errors import ConfigError

    if "cluster" in options or "--deploy-mode=cluster" in options:
        raise ConfigError(
            "with --deploy-mode cluster the driver runs elsewhere: submit hookline itself as the application, "
            "`spark-submit … PATH/hookline/__main__.py run -- job.py`, with hookline installed there"
        )


def _replace_process(command: list[str]) -> None:
    from hookline.core.errors import ConfigError

    program = shutil.which(command[0])
    if program is None:
        raise ConfigError(f"{command[0]!r} was not found on the PATH")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(program, [program, *command[1:]])  # noqa: S606
