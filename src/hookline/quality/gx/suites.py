"""A suite of Great Expectations as a suite of ours: its expectations are checks, told and acted on as all checks are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hookline.core.config_tree import Location
from hookline.core.errors import ConfigError
from hookline.core.events import Breaker, Severity, content_id
from hookline.quality.checks.terms import Terms
from hookline.quality.gx import python_suites, reading
from hookline.quality.gx.check import ExpectationCheck, ExpectationOptions
from hookline.quality.gx.reading import Source
from hookline.quality.judging import with_unique_names
from hookline.quality.suite import Suite, as_breaker

DEFAULT_SEVERITY: Severity = "error"


def find(reference: str, base_dir: Path, parameters: Mapping[str, Any] | None = None) -> Source:
    """Read a suite from a file of JSON, or from Python.

    Raises:
        ConfigError: with all its mistakes.
    """
    if python_suites.is_reference(reference):
        return python_suites.load(reference, base_dir, parameters)
    return reading.load(base_dir / reference, shown=reference, parameters=parameters)


AnyBreaker = Annotated[Breaker | None, BeforeValidator(as_breaker)]
Globs = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]


class SuiteEntry(BaseModel):
    """A suite that the configuration names, and the datasets that it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, given: object) -> object:
        """A text is the suite."""
        return {"suite": given} if isinstance(given, str) else given

    suite: str = Field(
        description="A file of JSON or a pattern of such files, or an ExpectationSuite: `module:name`, `file.py:name`."
    )
    dataset: Globs = Field(
        (), description="Globs on datasets' names; by default those in the suite's meta, else its name."
    )
    breaker: AnyBreaker = Field(None, description="As the plugin's own.")
    severity: Severity | None = Field(None, description="Of all its expectations, whatever they say.")
    required: bool | None = Field(None, description="Whether one without an answer refuses the write.")


def read_all(entries: Sequence[SuiteEntry], base_dir: Path, parameters: Mapping[str, Any]) -> dict[str, Suite]:
    """All suites, by their names; several of one name are told apart by a number.

    Raises:
        ConfigError: with all mistakes in all suites.
    """
    found: dict[str, Suite] = {}
    mistakes = []
    for entry, reference in _references(entries, base_dir):
        try:
            source = find(reference, base_dir, parameters)
        except ConfigError as error:
            mistakes.append(str(error))
            continue
        name, number = source.name, 1
        while name in found:
            number += 1
            name = f"{source.name} {number}"
        found[name] = as_suite(
            source,
            reference,
            datasets=entry.dataset,
            severity=entry.severity,
            breaker=entry.breaker,
            required=entry.required,
        )
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return found


def _references(entries: Sequence[SuiteEntry], base_dir: Path) -> Iterator[tuple[SuiteEntry, str]]:
    for entry in entries:
        names = sorted(glob(entry.suite, root_dir=base_dir, recursive=True)) if set(entry.suite) & set("*?[") else []
        yield from ((entry, name) for name in names or [entry.suite])


def as_suite(
    source: Source,
    file: str,
    *,
    datasets: Sequence[str] = (),
    severity: Severity | None = None,
    breaker: Breaker | None = None,
    required: bool | None = None,
) -> Suite:
    """The suite.

    Args:
        file: where it is from, for errors.
        datasets: globs; by default those that the suite names for hookline, else its own name.
        severity: of all its expectations; by default each one's own, and ``error`` for those that name none.
        required: whether an expectation without an answer refuses the write; by default the critical ones do.
    """
    checks = []
    for expectation in source.expectations:
        options = ExpectationOptions.model_construct(type=expectation.type, kwargs=expectation.kwargs)
        meta = json.loads(expectation.meta).get("hookline")
        given: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
        terms = Terms.model_validate(
            {
                "severity": severity or given.get("severity") or expectation.severity or DEFAULT_SEVERITY,
                "description": expectation.notes,
                "required": required,
                **{key: given[key] for key in ("name", "owner", "tags") if given.get(key)},
            }
        )
        checks.append(ExpectationCheck(options, terms, source=expectation))
    digest = content_id([(check.options.type, check.expectation.text, check.terms.severity) for check in checks])[:12]
    globs = tuple(datasets) or source.datasets or (source.name, f"*/{source.name}")
    return Suite(globs, with_unique_names(checks), Location(file), breaker, digest=digest)
