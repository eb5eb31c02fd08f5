"""The ``hookline`` command: finds the sub-command that was typed, imports only that, turns errors into exit codes.

Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 a write was refused; 4 the configuration is wrong.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from typing import Any, Protocol, cast

import hookline
import hookline.commands
from hookline.core.errors import ConfigError, HooklineError, PluginLoadError, WriteRefusedError

GROUP = "hookline.commands"


class Command(Protocol):
    """What a module in ``hookline.commands``, or one that an entry point names, has to offer."""

    __doc__: str | None
    add: Callable[[argparse.ArgumentParser], None]
    main: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments after ``hookline``; None takes the process's.

    Returns:
        The exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        with suppress(AttributeError, ValueError):  # a job may have closed it, or taken it away
            sys.stdout.flush()
        return code
    except HooklineError as error:
        sys.stderr.write(f"hookline: {error}\n")
        return _exit_code(error)
    except BrokenPipeError:
        # The reader has gone (`| head`); what Python flushes at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("hookline: interrupted\n")
        return 130


def _exit_code(error: HooklineError) -> int:
    if isinstance(error, ConfigError):
        return 4
    return 3 if isinstance(error, WriteRefusedError) else 1


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        return _without_command(arguments)
    name = arguments[0]
    command = _find(name)
    if command is None:
        return _unknown(name)
    parser = argparse.ArgumentParser(prog=f"hookline {name}", description=(command.__doc__ or "").strip())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add(parser)
    return command.main(parser.parse_args(arguments[1:]))


def _without_command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="hookline",
        usage="hookline [--help] [--version] COMMAND …",
        description="Observability and governance for Spark jobs that run as they are.",
        epilog=_list_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    asked = parser.parse_args(arguments)
    if asked.version:
        sys.stdout.write(f"hookline {hookline.__version__}\n")
        return 0
    parser.print_help(sys.stderr)
    return 2


def _list_commands() -> str:
    lines = {name: _summary(_own(name)) for name in _own_names()}
    lines |= {point.name: f"(from {_origin(point)})" for point in _contributed() if point.name not in lines}
    width = max(map(len, lines))
    return "commands:\n" + "\n".join(f"  {name:<{width}}  {line}" for name, line in sorted(lines.items()))


def _summary(command: Command) -> str:
    return (command.__doc__ or "").strip().partition("\n")[0]


def _own_names() -> list[str]:
    modules = pkgutil.iter_modules(hookline.commands.__path__)
    return sorted(module.name.replace("_", "-") for module in modules if not module.name.startswith("_"))


def _own(name: str) -> Command:
    return cast(Command, importlib.import_module(f"hookline.commands.{name.replace('-', '_')}"))


def _contributed() -> list[metadata.EntryPoint]:
    return sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)


def _origin(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown distribution"


def _find(name: str) -> Command | None:
    if name in _own_names():
        return _own(name)
    for point in _contributed():
        if point.name == name:
            return _load(point)
    return None


def _load(point: metadata.EntryPoint) -> Command:
    place = f"the command {point.name!r} of {_origin(point)} ({point.value})"
    try:
        command: Any = point.load()
    except (Exception, SystemExit) as error:
        raise PluginLoadError(
            f"{place} can't be imported: {type(error).__name__}; upgrade or uninstall that distribution"
        ) from error
    if not callable(getattr(command, "add", None)) or not callable(getattr(command, "main", None)):
        raise PluginLoadError(f"{place} has no add(parser) and main(args); upgrade or uninstall that distribution")
    return cast(Command, command)


def _unknown(name: str) -> int:
    known = [*_own_names(), *(point.name for point in _contributed())]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    sys.stderr.write(f"hookline: there is no command {name!r}{hint}\ncommands: {', '.join(known)}\n")
    return 2
