"""Presidio's recognizer of phone numbers, asked for the regions alone that a text's digits allow."""

from __future__ import annotations

from typing import Any

from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from hookline.governance.pii.phones import could_be


class QuickPhones(PhoneRecognizer):  # type: ignore[misc]
    """Finds what the recognizer finds that it is made from."""

    def __init__(self, whole: PhoneRecognizer) -> None:
        super().__init__(
            context=whole.context,
            supported_language=whole.supported_language,
            supported_entity=whole.supported_entities[0],
            supported_regions=tuple(whole.supported_regions),
            leniency=whole.leniency,
            name=whole.name,
        )
        self._regions = tuple(whole.supported_regions)

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
        """As the recognizer it is made from."""
        self.supported_regions = [one for one in self._regions if not text.isascii() or could_be(text, one)]
        found: list[Any] = super().analyze(text, entities, nlp_artifacts)
        return found
