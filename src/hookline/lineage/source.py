"""Where the job's own source is: its file, and the git repository around it, read from git's files without running git."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

MAX_SOURCE_CHARACTERS = 100_000
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PATH_CHARACTERS = "/-._~"


def location_of(script: Path | None) -> dict[str, Any] | None:
    """The fields of OpenLineage's source-code location; None when there is no repository, or it has no remote."""
    if script is None:
        return None
    try:
        script = script.resolve()
        root = next((folder for folder in script.parents if (folder / ".git").exists()), None)
        return None if root is None else _described(root, _git_folder(root), script)
    except (OSError, ValueError, configparser.Error):
        return None


def code_of(script: Path | None) -> str | None:
    """The source, when it is text of a sensible size."""
    try:
        text = script.read_text(encoding="utf-8") if script is not None else None
    except (OSError, ValueError):
        return None
    return text if text is not None and len(text) <= MAX_SOURCE_CHARACTERS else None


def _described(root: Path, git: Path, script: Path) -> dict[str, Any] | None:
    common = _common_folder(git)
    remote = _remote(common)
    if remote is None:
        return None
    version, branch = _head(git, common)
    path = script.relative_to(root).as_posix()
    url = f"{remote}/blob/{version}/{quote(path, safe=_PATH_CHARACTERS)}" if version else remote
    known = {"version": version, "branch": branch}
    about = {"type": "git", "url": url, "repoUrl": remote, "path": path}
    return about | {name: value for name, value in known.items() if value}


def _git_folder(root: Path) -> Path:
    """``.git``, or where it points to: in a work tree or a submodule it is a file."""
    git = root / ".git"
    if git.is_dir():
        return git
    return (root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()


def _common_folder(git: Path) -> Path:
    """Where a work tree keeps what it shares with the others."""
    pointer = git / "commondir"
    return (git / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.exists() else git


def _remote(common: Path) -> str | None:
    """The address of ``origin``, or of the only remote, as a URL for a browser and without credentials."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.read_string("".join(_plain_lines(common / "config")))
    remotes = {name: parser.get(name, "url", fallback=None) for name in parser.sections() if name.startswith("remote ")}
    address = remotes.get('remote "origin"') or (next(iter(remotes.values())) if len(remotes) == 1 else None)
    return _web_address(address) if address else None


def _plain_lines(config: Path) -> Iterator[str]:
    for line in config.read_text(encoding="utf-8", errors="replace").splitlines():
        yield line.strip() + "\n"


def _web_address(address: str) -> str | None:
    scp = re.fullmatch(r"(?:[^@/]+@)?([^:/]+):(?!//)(.+)", address)
    host, path = (scp.group(1), scp.group(2)) if scp else (urlsplit(address).hostname, urlsplit(address).path)
    if not host or address.startswith(("/", ".", "file:")):
        return None
    port = None if scp or not address.startswith("http") else urlsplit(address).port
    place = f"{host}:{port}" if port else host
    plain = quote(path.strip("/").removesuffix(".git"), safe=_PATH_CHARACTERS)
    return f"https://{quote(place, safe=':.-')}/{plain}"


def _head(git: Path, common: Path) -> tuple[str | None, str | None]:
    """The commit and the branch that are checked out."""
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref:"):
        return (head if _HASH.fullmatch(head) else None), None
    reference = head.removeprefix("ref:").strip()
    branch = reference.removeprefix("refs/heads/")
    loose = common / reference
    if loose.is_file():
        commit = loose.read_text(encoding="utf-8").strip()
        return (commit if _HASH.fullmatch(commit) else None), branch
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.exists() else []
    found = (line.split(" ", 1)[0] for line in lines if line.endswith(f" {reference}"))
    return next(found, None), branch
