"""Builds the wheels and tries them where nothing else of the project is.

    python scripts/setup/wheels.py core       hookline's wheel without extras: imports, help, list of plugins
    python scripts/setup/wheels.py example    the third-party plugin's wheel beside it: its tests, its place in the list

Runs in the environment that prepare.py makes. What the wheels need is installed once; the wheels themselves every time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import Environment, undirected
from prepare import CACHE, ROOT
from report import Refusal, say

_EXAMPLE = ROOT / "examples" / "third_party_plugin"
_CONFIG = "plugins:\n  console: {}\n  lineage: {}\n"
_IMPORT = """
import sys, hookline
strangers = {"pyspark", "duckdb", "pyarrow", "pandas", "botocore"} & set(sys.modules)
assert not strangers, f"import hookline brought {sorted(strangers)}"
assert "site-packages" in hookline.__file__, hookline.__file__
"""


def main() -> int:
    """Run one check; exit code 1 when the wheel does not hold."""
    checks = {"core": check_core, "example": check_example}
    try:
        with tempfile.TemporaryDirectory(prefix="wheels-", dir=CACHE) as scratch:
            checks[sys.argv[1]](Path(scratch))
    except Refusal as refusal:
        say(str(refusal))
        return 1
    return 0


def check_core(scratch: Path) -> None:
    """hookline's wheel with its required dependencies alone."""
    place = Environment(CACHE / "wheel-core", [ROOT / "setup.cfg"], ROOT / "constraints.txt")
    _install(place, [build(ROOT, scratch)], extra=[], modules=["duckdb", "pluggy"])
    (scratch / "hookline.yaml").write_text(_CONFIG, "utf-8")
    _run([place.python, "-c", _IMPORT], scratch)
    hookline = place.folder / "bin" / "hookline"
    for arguments in (["--help"], ["plugins"], ["config", "validate"]):
        _run([hookline, *arguments], scratch)
    say("core only: hookline's wheel stands on its own")


def check_example(scratch: Path) -> None:
    """The example's wheel beside hookline's, and the example's own tests against the two."""
    inputs = [ROOT / "setup.cfg", *(path for path in _metadata(_EXAMPLE) if path.exists())]
    place = Environment(CACHE / "wheel-example", inputs, ROOT / "constraints.txt")
    wheels = [build(ROOT, scratch), build(_EXAMPLE, scratch)]
    _install(place, wheels, extra=["pytest", "pytest-timeout"], modules=["pytest"])
    # A copy, so that the tests can only find what the wheels installed.
    tests = shutil.copytree(_EXAMPLE / "tests", scratch / "example" / "tests")
    _run([place.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests], scratch / "example")
    listed = json.loads(_run([place.folder / "bin" / "hookline", "plugins", "--json"], scratch))
    wanted = _plugin_names(place)
    missing = wanted - {plugin["name"] for plugin in listed["plugins"]}
    if not wanted or missing:
        raise Refusal(
            f"'hookline plugins --json' does not list the example's plugins: {sorted(missing) or 'it has none'}"
        )
    say(f"third-party plugin: {', '.join(sorted(wanted))} is installed and listed")


def build(project: Path, output: Path) -> Path:
    """Build the wheel from a source distribution, as for a release, so that no stale build folder leaks into it."""
    say(f"building the wheel of {project.name}")
    folder = output / f"dist-{project.name}"
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, project], output)
    return next(folder.glob("*.whl"))


def _install(place: Environment, wheels: list[Path], *, extra: list[str], modules: list[str]) -> None:
    named = [str(wheel) for wheel in wheels]
    if not place.current("wheels", modules):
        place.make("wheels", [*named, *extra])
    place.pip("install", "--force-reinstall", "--no-deps", "--no-index", *named)


def _metadata(project: Path) -> list[Path]:
    return [project / "pyproject.toml", project / "setup.cfg"]


def _plugin_names(place: Environment) -> set[str]:
    """Names of the plugins that another distribution than hookline brings."""
    look = (
        "import importlib.metadata as m, json;"
        "print(json.dumps([e.name for e in m.entry_points(group='hookline.plugins') if e.dist.name != 'hookline']))"
    )
    return set(json.loads(_run([place.python, "-c", look], place.folder)))


def _run(command: list[object], folder: Path) -> str:
    words = [str(word) for word in command]
    environ = {name: value for name, value in undirected(os.environ).items() if not name.startswith("HOOKLINE_")}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise Refusal(f"'{' '.join(words)}' failed with exit code {done.returncode}; its own words are above")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
