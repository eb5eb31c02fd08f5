"""A data context of Great Expectations, in a folder or in this process only: suites, checkpoints, results, data docs.

It becomes nobody's current context: a job may have one of its own, which is put back after each use.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hookline.core.errors import SinkError
from hookline.quality.gx import itself

EPHEMERAL = "ephemeral"
_DATASOURCE = "hookline"
_lock = threading.RLock()
_in_process: dict[str, Context] = {}


class Context:
    """A data context.

    Args:
        folder: the project's folder, in which ``gx`` is, or is made; None is a context that lives in this process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._made: Any = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Any]:
        """Great Expectations' own object, as the current context while it is used."""
        with _lock, itself.quiet():
            factory = itself.module("great_expectations.data_context.data_context.context_factory")
            manager = factory.project_manager
            before = getattr(manager, "_ProjectManager__project", None)
            try:
                if self._made is None:
                    self._made = self._make()
                manager.set_project(self._made)
                yield self._made
            finally:
                manager.set_project(before)

    def _make(self) -> Any:
        gx = itself.module("great_expectations")
        if self._folder is None:
            return gx.get_context(mode=EPHEMERAL)
        self._folder.mkdir(parents=True, exist_ok=True)
        return gx.get_context(mode="file", project_root_dir=str(self._folder))

    def store_suite(self, suite: Mapping[str, Any]) -> None:
        """Keep a suite; one of this name is replaced where it says something else."""
        with self.opened() as context:
            self._store_suite(context, suite)

    def _store_suite(self, context: Any, suite: Mapping[str, Any]) -> Any:
        name = suite["name"]
        known = {one.name: one for one in context.suites.all()}.get(name)
        if known is not None and _said(known.to_json_dict()) == _said(suite):
            return known
        gx = itself.module("great_expectations")
        made = gx.ExpectationSuite(name=name, expectations=[_plain(one) for one in suite["expectations"]])
        return context.suites.add_or_update(made)

    def store_checkpoint(self, suite: Mapping[str, Any]) -> None:
        """Keep a suite with a checkpoint of the same name, which Great Expectations itself can run on a DataFrame.

        It starts a Spark session where there is none.
        """
        gx = itself.module("great_expectations")
        with self.opened() as context:
            kept = self._store_suite(context, suite)
            source = context.data_sources.add_or_update_spark(_DATASOURCE, persist=False)
            asset = source.add_dataframe_asset(kept.name)
            batch = asset.add_batch_definition_whole_dataframe("whole")
            definition = gx.ValidationDefinition(name=kept.name, data=batch, suite=kept)
            definition = context.validation_definitions.add_or_update(definition)
            context.checkpoints.add_or_update(gx.Checkpoint(name=kept.name, validation_definitions=[definition]))

    def store_validation(self, told: Mapping[str, Any]) -> None:
        """Keep the results of a suite on a write, as ``validation`` tells them, and the suite."""
        core = itself.module("great_expectations.core.expectation_validation_result")
        identifiers = itself.module("great_expectations.data_context.types.resource_identifiers")
        runs = itself.module("great_expectations.core.run_identifier")
        with self.opened() as context:
            self._store_suite(context, told["suite"])
            configuration = itself.module("great_expectations.expectations.expectation_configuration")
            found = dict(told["validation"])
            found["meta"] = found["meta"] | {
                "great_expectations_version": itself.module("great_expectations").__version__
            }
            found["results"] = [
                core.ExpectationValidationResult(
                    **{**one, "expectation_config": configuration.ExpectationConfiguration(**one["expectation_config"])}
                )
                for one in found["results"]
            ]
            result = core.ExpectationSuiteValidationResult(**found)
            key = identifiers.ValidationResultIdentifier(
                expectation_suite_identifier=identifiers.ExpectationSuiteIdentifier(name=told["suite"]["name"]),
                run_id=runs.RunIdentifier(told["run_name"], dt.datetime.fromisoformat(told["run_time"])),
                batch_identifier=told["batch"],
            )
            context.validation_results_store.set(key, result)

    def results(self) -> list[Any]:
        """All validation results that it holds."""
        with self.opened() as context:
            store = context.validation_results_store
            return [store.get(key) for key in store.list_keys()]

    def suites(self) -> list[dict[str, Any]]:
        """All suites that it holds, as JSON has them."""
        with self.opened() as context:
            return [suite.to_json_dict() for suite in context.suites.all()]

    def build_docs(self) -> dict[str, str]:
        """Build its data docs: the site's name, and where its first page is."""
        with self.opened() as context:
            built: dict[str, str] = context.build_data_docs()
            return built


def context_at(place: str, base_dir: Path) -> Context:
    """The context at a folder, or the one of this process; the same object each time."""
    name = place if place == EPHEMERAL else str((base_dir / place).resolve())
    with _lock:
        return _in_process.setdefault(name, Context(None if place == EPHEMERAL else Path(name)))


def current_context() -> Context:
    """The context of this process, in which the plugin keeps what it found with ``context: ephemeral``."""
    return context_at(EPHEMERAL, Path())


class ContextSink:
    """An outbox sink that keeps validation results in a context, and builds its data docs."""

    batch_size = 50

    def __init__(self, context: Context) -> None:
        self._context = context

    def deliver(self, messages: Sequence[Any]) -> None:
        """Keep each result; then the docs, once, when a message asks for them.

        Raises:
            SinkError: when the context can't be used.
        """
        try:
            for message in messages:
                if message.kind == "validation":
                    self._context.store_validation(message.payload)
            if any(message.kind == "data_docs" for message in messages):
                self._context.build_docs()
        except Exception as error:
            raise SinkError(f"the data context of Great Expectations failed with {type(error).__name__}") from error


def _plain(expectation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in expectation.items() if name != "id"}


def _said(suite: Mapping[str, Any]) -> list[Any]:
    """What a suite says, without ids and defaults."""
    return [
        (one["type"], {name: value for name, value in one["kwargs"].items() if value is not None}, one.get("severity"))
        for one in suite["expectations"]
    ]
