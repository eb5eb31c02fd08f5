"""Virtual environments that are made once, kept while their inputs are the same, and never used half made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from report import Refusal, say

_STAMP = "hookline-stamp.json"
# A machine's wish to install elsewhere would leave the environment empty.
_REDIRECTING = ("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_TARGET", "PIP_USER")


def can_make() -> bool:
    """Whether this Python can make environments; Debian keeps that part in a package of its own."""
    try:
        import ensurepip
    except ImportError:
        return False
    # Debian's Python has the module's shell without the wheels it installs.
    return bool(ensurepip.version())


class Environment:
    """A virtual environment with a stamp, written last, that says what it was made of.

    Args:
        folder: where it lives.
        inputs: files that decide what is installed.
        constraints: the pinned versions.
    """

    def __init__(self, folder: Path, inputs: Sequence[Path], constraints: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._inputs = (*inputs, constraints)
        self._constraints = constraints

    def current(self, level: str, modules: Sequence[str]) -> bool:
        """Whether it is complete, made of the same inputs at this level, and still has the modules."""
        stamp = self._read_stamp()
        return stamp == self._stamp(level) and self._has(modules)

    def make(self, level: str, requirements: Sequence[str]) -> None:
        """Install the requirements, from nothing unless a complete environment only lacks newer inputs.

        Raises:
            Refusal: a step failed; the next call starts from nothing.
        """
        stamp = self._read_stamp()
        wanted = self._stamp(level)
        if stamp is None or stamp["base"] != wanted["base"] or not self._has(()):
            self._create()
        # From here until the new stamp an interruption leaves no stamp, and so nothing that is taken for complete.
        (self.folder / _STAMP).unlink(missing_ok=True)
        self.pip("install", "--constraint", str(self._constraints), "pip", "setuptools", "wheel")
        self.pip("install", "--constraint", str(self._constraints), "--no-build-isolation", *requirements)
        (self.folder / _STAMP).write_text(json.dumps(wanted), "utf-8")

    def pip(self, *arguments: str) -> None:
        """Run pip in the environment, as the machine configured it.

        Raises:
            Refusal: pip failed.
        """
        command = [str(self.python), "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-input"]
        done = subprocess.run(
            command, env=undirected(os.environ), stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
        if done.returncode != 0:
            raise Refusal(
                f"'pip {' '.join(arguments)}' failed with exit code {done.returncode}; its own words are above"
            )

    def _create(self) -> None:
        say(f"making a virtual environment in {self.folder}")
        shutil.rmtree(self.folder, ignore_errors=True)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(self.folder)
        command = [str(self.python), "-m", "ensurepip", "--upgrade", "--default-pip"]
        done = subprocess.run(command, env=undirected(os.environ), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refusal(f"pip could not be put into {self.folder}: {done.stderr.strip()[-500:]}")

    def _has(self, modules: Sequence[str]) -> bool:
        look = "import sys, importlib.util as u; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))"
        command = [str(self.python), "-c", look, *modules]
        try:
            return subprocess.run(command, env=undirected(os.environ), capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def _read_stamp(self) -> dict[str, str] | None:
        try:
            stamp = json.loads((self.folder / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) and "base" in stamp else None

    def _stamp(self, level: str) -> dict[str, str]:
        # An environment can't be moved, nor outlive the interpreter that it points to.
        # A security update of the same 3.x, which may come with the packages that are installed here, changes neither.
        base = json.dumps([str(self.folder), sys.implementation.cache_tag, os.path.realpath(sys.executable)])
        content = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in self._inputs))
        return {"base": base, "inputs": content.hexdigest(), "level": level}


def undirected(environ: Mapping[str, str]) -> dict[str, str]:
    """The surroundings without what sends Python or pip somewhere else."""
    return {name: value for name, value in environ.items() if name not in _REDIRECTING}
