"""The files of a new plugin's distribution, from the templates in ``skeleton/``; ``examples/`` has one filled in."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from hookline.core.errors import HooklineError

_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_FILES = {
    "gitignore": ".gitignore",
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "setup.cfg": "setup.cfg",
    "package.py": "src/{{package}}/__init__.py",
    "plugin.py": "src/{{package}}/plugin.py",
    "py.typed": "src/{{package}}/py.typed",
    "test_contract.py": "tests/test_contract.py",
    "test_plugin.py": "tests/test_{{module}}.py",
}


@dataclass(frozen=True)
class Skeleton:
    """A plugin to be.

    Attributes:
        name: the entry point and key in the configuration.
        distribution: what pip installs.
        package: what Python imports.
        class_name: the plugin's class.
    """

    name: str
    distribution: str
    package: str
    class_name: str

    @classmethod
    def named(cls, name: str) -> Skeleton:
        """Derive all names from one; ``hookline-`` before it is dropped.

        Raises:
            HooklineError: when it can't be a name.
        """
        bare = name.removeprefix("hookline-").removeprefix("hookline_")
        if not _NAME.fullmatch(bare) or keyword.iskeyword(bare) or len(bare) > 50:
            raise HooklineError(
                f"{name[:60]!r} can't name a plugin; use up to 50 lower-case letters, digits, - and _, such as rowlog"
            )
        words = re.split("[_-]", bare)
        class_name = "".join(word.capitalize() for word in words) + "Plugin"
        return cls(bare, "hookline-" + "-".join(words), "hookline_" + "_".join(words), class_name)

    def files(self) -> dict[str, str]:
        """The texts by path."""
        names = {**asdict(self), "module": self.package.removeprefix("hookline_")}
        templates = resources.files("hookline.commands") / "skeleton"
        texts = {path: (templates / f"{name}.tmpl").read_text(encoding="utf-8") for name, path in _FILES.items()}
        return {_filled(path, names): _filled(text, names) for path, text in texts.items()}

    def write(self, folder: Path) -> Iterator[Path]:
        """Write all files into a new or empty folder; yields each path.

        Raises:
            HooklineError: when there is something in the folder already, or it can't be written.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HooklineError(f"{folder} exists and is not an empty folder; choose another with --dir")
        for name, text in self.files().items():
            path = folder / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise HooklineError(f"{path}: can't be written: {error.strerror}") from None
            yield path


def _filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: names[match[1]], text)
