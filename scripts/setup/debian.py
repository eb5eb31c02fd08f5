"""Installs Debian packages where that is possible, and says in one line what to install where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from report import Refusal, say


@dataclass(frozen=True)
class Need:
    """Something missing: in words, and the Debian packages that bring it, best first."""

    what: str
    packages: tuple[str, ...]


def install(needs: Sequence[Need]) -> None:
    """Install what is missing with one apt-get call.

    Raises:
        Refusal: not root, no apt-get, or apt-get failed.
    """
    if not needs:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Refusal(how_to_install(needs))
    # An installation that was cut short stops every later one until it is ended.
    subprocess.run(["dpkg", "--configure", "-a"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)  # noqa: S607
    # Without lists even existing packages are unknown; a machine that is offline may still have them in its cache.
    _apt("update", "-qq", check=False)
    packages = [_available(need) for need in needs]
    say(f"installing Debian packages: {' '.join(packages)}")
    _apt("install", "-qq", "-y", "--no-install-recommends", *packages, check=True)


def how_to_install(needs: Sequence[Need]) -> str:
    """One line that names what is missing and the command that brings it."""
    what = ", ".join(need.what for need in needs)
    packages = " ".join(need.packages[0] for need in needs)
    return f"missing: {what}. On Debian or Ubuntu, as root: apt-get update && apt-get install -y {packages}"


def _available(need: Need) -> str:
    """The first of the packages that this release of Debian has."""
    apt_cache = shutil.which("apt-cache") or "apt-cache"
    for package in need.packages:
        answer = subprocess.run([apt_cache, "show", package], capture_output=True, check=False)
        if answer.returncode == 0 and answer.stdout:
            return package
    return need.packages[0]


def _apt(*arguments: str, check: bool) -> None:
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *arguments]
    # In run level 1 no service is started: the tests start servers of their own.
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    done = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if check and done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise Refusal(f"'{' '.join(command)}' failed with exit code {done.returncode}; its own words are above")
