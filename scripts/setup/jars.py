"""Fills .cache/jars with the jars that deploy/jars/pom.xml names."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from report import Refusal, say

_STAMP = "stamp.json"


class Jars:
    """The jars of one pom, in a folder that is replaced as a whole.

    Args:
        pom: names each jar with its version.
        folder: where the jars are; holds all of them or is taken to hold none.
        repository: Maven's own store, apart from the user's, whose folder may be read-only.
    """

    def __init__(self, pom: Path, folder: Path, repository: Path) -> None:
        self._pom = pom
        self.folder = folder
        self._repository = repository

    @property
    def current(self) -> bool:
        """Whether the folder holds exactly what the pom names, each jar in its full size."""
        try:
            stamp = json.loads((self.folder / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return bool(stamp == self._stamp(self.folder))

    def fill(self, java_home: Path) -> None:
        """Copy the jars again.

        Raises:
            Refusal: Maven failed; the folder is as it was.
        """
        say("fetching jars with Maven")
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="jars-", dir=self.folder.parent) as scratch:
            fresh = Path(scratch) / "fresh"
            self._run_maven(fresh, java_home)
            (fresh / _STAMP).write_text(json.dumps(self._stamp(fresh)), "utf-8")
            if self.folder.exists():
                self.folder.rename(Path(scratch) / "old")
            fresh.rename(self.folder)

    def _run_maven(self, output: Path, java_home: Path) -> None:
        command = [
            shutil.which("mvn") or "mvn",
            *("-q", "-B", "-Dstyle.color=never", f"-Dmaven.repo.local={self._repository}", "-f", str(self._pom)),
            *("dependency:copy-dependencies", f"-DoutputDirectory={output}"),
        ]
        environ = {**os.environ, "JAVA_HOME": str(java_home)}
        # Even a quiet Maven writes escape codes, so its words are kept for when they matter.
        done = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not any(output.glob("*.jar")):
            sys.stderr.write(done.stdout + done.stderr)
            raise Refusal(
                f"Maven could not fetch the jars of {self._pom} (its own words are above); run this again online"
            )

    def _stamp(self, folder: Path) -> dict[str, object]:
        sizes = {jar.name: jar.stat().st_size for jar in sorted(folder.glob("*.jar"))}
        return {"pom": hashlib.sha256(self._pom.read_bytes()).hexdigest(), "bytes": sizes}
