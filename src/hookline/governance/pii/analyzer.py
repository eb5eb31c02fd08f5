"""Presidio as the judge of texts, asked only where it could find something. What it says is what Presidio alone says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hookline.governance.pii.recognizers import LANGUAGE, engine, quickened, quiet, registry

if TYPE_CHECKING:
    from hookline.governance.pii.settings import DetectionSettings

_BLOCK = 64


class Finding(NamedTuple):
    """Where in a text something is: characters from ``start`` to before ``end``, and how sure that is, up to 1."""

    entity: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Recipe:
    """What an analyzer is made from on another machine: the settings, and the gate as it was compiled on this one."""

    settings: DetectionSettings
    compiled: bytes | None = None


class Analyzer:
    """Asks Presidio's recognizers.

    Args:
        recipe: by another analyzer's ``recipe``, or of settings alone.

    Raises:
        ConfigError: settings that Presidio does not know.
        MissingExtraError: the model is wanted and not installed.
    """

    def __init__(self, recipe: Recipe) -> None:
        from hookline.governance.pii.gate import Gate

        self._settings = recipe.settings
        with quiet():
            self._engine: Any = engine(recipe.settings)
            self._registry = registry(recipe.settings, self._engine)
        self._recognizers = [quickened(one) for one in self._registry.recognizers]
        self._gate = Gate(self._registry.recognizers, recipe.compiled)
        self._ignored = set(recipe.settings.ignore)
        self._chosen_by_mask: dict[int, list[Any]] = {}
        self._engines: dict[int, Any] = {}
        self._plain = _without_opinions(self._recognizers)
        self._nothing = None if recipe.settings.model else self._engine.process_text("", LANGUAGE)

    @property
    def recipe(self) -> Recipe:
        """To make the same elsewhere, without compiling again."""
        return Recipe(self._settings, self._gate.dump())

    @property
    def entities(self) -> list[str]:
        """All that can be found."""
        found = {entity for one in self._recognizers for entity in one.supported_entities}
        return sorted(found - self._ignored)

    def alone(self) -> Any:
        """Presidio's own engine with the same recognizers and nothing before it, to compare with."""
        return self._presidio(self._registry.recognizers)

    def find(self, texts: Iterable[str], context: Sequence[str] = ()) -> list[list[Finding]]:
        """What is in each text.

        Args:
            context: words that are taken as standing around every text, such as the name of a column.
        """
        with quiet():
            own = list(texts)
            return self._read(own, context) if self._nothing is None else self._look(own, context, self._nothing)

    def _look(self, own: list[str], context: Sequence[str], nothing: Any) -> list[list[Finding]]:
        """Without the model."""
        found: list[list[Finding]] = [[] for _ in own]
        for start in range(0, len(own), _BLOCK):
            block = own[start : start + _BLOCK]
            if self._gate.shut_to_all(block):
                continue
            for place, text in enumerate(block, start):
                mask = self._gate.open_to(text)
                if mask:
                    found[place] = self._ask(mask, text, nothing, context)
        return found

    def _read(self, texts: list[str], context: Sequence[str]) -> list[list[Finding]]:
        """With the model: it reads texts that have letters; the gate keeps the others' recognizers out."""
        return [
            self._ask(self._gate.open_to(text), text, artifacts, context)
            for text, artifacts in self._engine.process_batch(texts, LANGUAGE, batch_size=_BLOCK)
        ]

    def _ask(self, mask: int, text: str, artifacts: Any, context: Sequence[str]) -> list[Finding]:
        chosen = self._chosen(mask)
        if artifacts is self._nothing and not context and self._plain:
            from presidio_analyzer import EntityRecognizer

            # What Presidio's engine does when there is no context that could make a finding surer.
            raw = [found for one in chosen for found in one.analyze(text, one.supported_entities, artifacts)]
            results = EntityRecognizer.remove_duplicates(raw)
        else:
            if mask not in self._engines:
                self._engines[mask] = self._presidio(chosen)
            results = self._engines[mask].analyze(text, LANGUAGE, nlp_artifacts=artifacts, context=[*context] or None)
        return [
            Finding(one.entity_type, one.start, one.end, one.score)
            for one in results
            if one.entity_type not in self._ignored
        ]

    def _chosen(self, mask: int) -> list[Any]:
        if mask not in self._chosen_by_mask:
            chosen = [one for place, one in enumerate(self._recognizers) if mask >> place & 1]
            self._chosen_by_mask[mask] = chosen
        return self._chosen_by_mask[mask]

    def _presidio(self, recognizers: list[Any]) -> Any:
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry

        chosen = RecognizerRegistry(recognizers=recognizers, supported_languages=[LANGUAGE])
        return AnalyzerEngine(registry=chosen, nlp_engine=self._engine, supported_languages=[LANGUAGE])


def _without_opinions(recognizers: list[Any]) -> bool:
    """Whether none of them changes its scores by what others found, or is heard only from a score on."""
    from presidio_analyzer import EntityRecognizer

    own = EntityRecognizer.enhance_using_context
    return all(type(one).enhance_using_context is own and not one.score_thresholds for one in recognizers)
