"""A suite of Great Expectations as one of ours, in YAML."""

from __future__ import annotations

from typing import Any

import yaml

from hookline.quality.gx.reading import Source
from hookline.quality.gx.suites import DEFAULT_SEVERITY


def as_yaml(source: Source, datasets: tuple[str, ...] = ()) -> str:
    """The suite; every check is an ``expectation``, so that its results stay those of Great Expectations."""
    globs = list(datasets or source.datasets or (source.name, f"*/{source.name}"))
    checks: list[dict[str, Any]] = []
    for expectation in source.expectations:
        check: dict[str, Any] = {"expectation": {expectation.type: expectation.kwargs}}
        check["severity"] = expectation.severity or DEFAULT_SEVERITY
        if expectation.notes:
            check["description"] = expectation.notes
        checks.append(check)
    suite = {"dataset": globs[0] if len(globs) == 1 else globs, "checks": checks}
    head = f"# Made of the suite {source.name!r} of Great Expectations.\n"
    return head + yaml.safe_dump(suite, sort_keys=False, allow_unicode=True, width=120)
