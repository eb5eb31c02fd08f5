"""What is looked for, and how hard: the options that the plugin ``presidio`` and ``hookline scan`` share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.functional_validators import AfterValidator

_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Entity = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
_Score = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


def _compiles(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"Input should be a regular expression: {error}") from None
    return text


class Section(BaseModel):
    """What all parts have: nothing that is not known, and no quoting of what is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PatternSettings(Section):
    """A pattern of a recognizer of one's own."""

    regex: Annotated[str, Field(min_length=1, max_length=4_096), AfterValidator(_compiles)] = Field(
        description="A regular expression; case is ignored, and . matches line ends."
    )
    score: _Score = Field(0.5, description="How sure a match is, as Presidio counts it.")


class RecognizerSettings(Section):
    """A recognizer of one's own: patterns, or words."""

    entity: _Entity = Field(description="What it finds: CUSTOMER_NUMBER.")
    patterns: tuple[PatternSettings, ...] = Field((), description="What it looks like.")
    words: tuple[_Text, ...] = Field((), description="Or the very words.")
    context: tuple[_Text, ...] = Field(
        (), description="Words in a column's name, and with the model around it in a text, that make it surer."
    )

    @model_validator(mode="after")
    def _something(self) -> RecognizerSettings:
        if not self.patterns and not self.words:
            raise ValueError("Input should have patterns or words")
        return self


class DetectionSettings(Section):
    """What is looked for."""

    countries: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] | None = Field(
        None,
        description="Countries whose tax, identity, licence and bank numbers are looked for, as Presidio names them: us, uk, "
        "de …; by default those that Presidio itself looks for.",
    )
    recognizers: tuple[RecognizerSettings, ...] = Field((), description="Recognizers of one's own.")
    ignore: tuple[_Entity, ...] = Field((), description="Entities that are not looked for.")
    model: bool = Field(
        False, description='Whether a model of language finds names in texts too: pip install "hookline[pii-model]".'
    )
    least: _Score = Field(0.6, description="How sure a column's verdict has to be to be told.")
    rows: Annotated[int, Field(ge=100, le=100_000_000)] = Field(
        20_000, description="How many rows are drawn of a dataset; of fewer all are."
    )
    values: Annotated[int, Field(ge=50, le=1_000_000)] = Field(
        1_000, description="How many distinct values of each column are looked at."
    )
    longest: Annotated[int, Field(ge=100, le=1_000_000)] = Field(
        10_000, description="Characters of a value that are looked at."
    )
