"""Texts without what Presidio finds in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookline.core.errors import ProtectionError
from hookline.governance.pii.analyzer import Finding, Recipe
from hookline.governance.pii.looking import analyzer_for
from hookline.governance.pii.verdict import UNSAID

if TYPE_CHECKING:
    from hookline.governance.pii.settings import DetectionSettings
    from hookline.governance.protection.policy import Redact


def redactor(rule: Redact, detection: DetectionSettings, column: str) -> Callable[[str], str]:
    """What the rule makes of texts.

    Args:
        column: for what goes wrong.

    Raises:
        HooklineError: Presidio, or the model, can't be had here.
    """
    analyzer = analyzer_for(Recipe(detection))
    wanted = set(rule.entities) if rule.entities is not None else set(analyzer.entities) - UNSAID
    unknown = wanted - set(analyzer.entities)
    if unknown:
        raise ProtectionError(
            f"the rule that redacts {column!r} names {', '.join(sorted(unknown))}, which nothing here finds: correct it, or add "
            "countries, recognizers or the model to the policy's detection"
        )

    def redact(text: str) -> str:
        try:
            (found,) = analyzer.find([text])
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote the value
            raise ProtectionError(f"a text of {column!r} could not be looked through: {type(error).__name__}") from None
        parts = _parts([one for one in found if one.entity in wanted and one.score >= rule.score])
        for one in reversed(parts):
            put = f"<{one.entity}>" if rule.into == "entity" else "*" * (one.end - one.start)
            text = text[: one.start] + put + text[one.end :]
        return text

    return redact


def _parts(found: list[Finding]) -> list[Finding]:
    """Parts of a text that do not overlap: of findings that do, all goes, under the name of the surest."""
    parts: list[Finding] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        last = parts[-1] if parts else None
        if last is None or one.start >= last.end:
            parts.append(one)
            continue
        surest = max(last, one, key=lambda finding: (finding.score, finding.end - finding.start))
        parts[-1] = Finding(surest.entity, last.start, max(last.end, one.end), surest.score)
    return parts
