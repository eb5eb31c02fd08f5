"""What a column holds: its values, its name, its type and its neighbours weighed against each other.

Every reason adds to or takes from the log-odds that the column holds an entity; the sum becomes a probability. The weights, and
the last step, were set on the tuning half of ``benchmarks/pii`` alone; ``VERDICTS.md`` there shows on the other half how many of
the verdicts are right that are told with a confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hookline.governance.pii.evidence import Evidence, Found
from hookline.governance.pii.words import Said, pieces_of, said

_Contexts = Mapping[str, frozenset[str]]
# Numbers and texts that are personal only beside others, and are not told of a column on their own.
UNSAID = frozenset({"DATE_TIME", "URL", "UUID", "NRP", "ORGANIZATION"})
# Their pattern is any number of so many digits: the column's name has to say it.
_VAGUE = frozenset({"US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_PASSPORT", "US_ITIN"})
# What is told of longer texts for certain.
_TOLD_INSIDE = frozenset({"EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD"})
# A number is none of these.
_TEXTUAL = frozenset({"EMAIL_ADDRESS", "PERSON", "LOCATION", "IBAN_CODE", "IP_ADDRESS", "MAC_ADDRESS", "CRYPTO"})
_SLOPE, _SHIFT = 1.5, 1.0


@dataclass(frozen=True)
class Candidate:
    """A column that is to be judged: its path, Spark's simple type, and what its values gave."""

    name: str
    type: str
    evidence: Evidence


@dataclass(frozen=True)
class Classification:
    """A verdict on a column.

    Attributes:
        column: its path.
        entity: what it holds, as Presidio names it; besides, DATE_OF_BIRTH.
        confidence: the probability that it does.
        share: of the rows of the sample that have a value, those whose value, or text, holds it.
        within: whether it stands in longer texts.
        reasons: what spoke for and against it, as words and numbers; never a value.
    """

    column: str
    entity: str
    confidence: float
    share: float
    within: bool = False
    reasons: tuple[str, ...] = ()


def judge(
    columns: Sequence[Candidate], *, least: float, contexts: Mapping[str, Iterable[str]] | None = None
) -> list[Classification]:
    """Verdicts on the columns of one dataset that reach a confidence, in the order of the columns; one each, and those in texts.

    Args:
        contexts: by entity further words that a column's name says it by.
    """
    own = {entity: frozenset(word.casefold() for word in words) for entity, words in (contexts or {}).items()}
    first = [_best(column, 0, own) for column in columns]
    sure = [verdict is not None and verdict.confidence > 0.9 for verdict in first]
    found = []
    for place, column in enumerate(columns):
        neighbours = sum(sure) - sure[place]
        best = _best(column, neighbours, own)
        if best is not None and best.confidence >= least:
            found.append(best)
        told = best.entity if best is not None and best.confidence >= least else None
        found += [one for one in _inside(column, told) if one.confidence >= least]
    return found


def _best(column: Candidate, neighbours: int, contexts: _Contexts) -> Classification | None:
    weighed = [_weigh(column, entity, neighbours, contexts) for entity in _possible(column, contexts)]
    return max(weighed, key=lambda one: one.confidence, default=None)


def _possible(column: Candidate, contexts: _Contexts) -> list[str]:
    words = said(_leaf(column.name))
    found = sorted(
        (set(column.evidence.found) | words.named | words.hinted | set(contexts) | {"PERSON", "LOCATION"}) - UNSAID
    )
    kind = column.type.split("(")[0]
    if kind in ("boolean", "binary", "void"):
        return []
    if kind in ("date", "timestamp", "timestamp_ntz"):
        return ["DATE_OF_BIRTH"]
    if kind in ("float", "double", "decimal"):
        return ["LOCATION"] if {"latitude", "longitude"} & set(column.name.casefold().split("_")) else []
    if kind in ("int", "bigint", "smallint", "tinyint"):
        return [entity for entity in found if entity not in _TEXTUAL and entity != "DATE_OF_BIRTH"]
    return found


def _weigh(column: Candidate, entity: str, neighbours: int, contexts: _Contexts) -> Classification:
    words, evidence = said(_leaf(column.name)), column.evidence
    if contexts.get(entity, frozenset()) & set(pieces_of(_leaf(column.name))):
        words = words._replace(named=words.named | {entity})
    reasons: dict[str, float] = {}
    share = 0.0  # where nothing speaks but the name
    if evidence.rows:
        share = _values(entity, evidence, reasons)
        if entity in words.named and _fits(entity, evidence):
            # What says otherwise is rarely right where people named it.
            reasons = {reason: weight / 2 if weight < -1 else weight for reason, weight in reasons.items()}
    _name(entity, words, evidence, reasons)
    if evidence.rows and evidence.values < 8 and share < 1:
        reasons["few distinct values"] = -1.5
    if neighbours and entity in ("PERSON", "LOCATION", "PHONE_NUMBER", "DATE_OF_BIRTH"):
        reasons["personal columns beside it"] = min(1.0, 0.4 * neighbours)
    reasons = {"before anything is known": -3.0, **reasons}
    total = sum(reasons.values())
    confidence = 1 / (1 + math.exp(-(_SLOPE * total + _SHIFT)))
    told = tuple(f"{reason} ({weight:+.1f})" for reason, weight in reasons.items() if abs(weight) >= 0.05)
    return Classification(column.name, entity, round(confidence, 4), round(share, 4), reasons=told)


def _name(entity: str, words: Said, evidence: Evidence, reasons: dict[str, float]) -> None:
    fits = not evidence.rows or _fits(entity, evidence)
    if entity in words.named:
        reasons["the column's name says it"] = 5.0 if fits else 1.0
    elif entity in words.hinted:
        reasons["the column's name hints at it"] = 1.5 if fits else 0.0
    if words.other and entity not in words.named:
        reasons["the column's name says something else"] = -4.0
    elif words.named and entity not in words.named:
        reasons["the column's name says another entity"] = -2.5


def _fits(entity: str, evidence: Evidence) -> bool:
    """Whether the values could be it at all, for a name to count."""
    if entity == "PERSON":
        return evidence.shape("letters") > 0.7
    if entity == "LOCATION":
        return evidence.shape("number") < 0.3
    if entity == "DATE_OF_BIRTH":
        return evidence.shape("dated") > 0.7
    if entity == "PHONE_NUMBER":
        return (
            evidence.share(entity) + evidence.shape("dashed") + evidence.shape("telephone") + evidence.shape("digits")
            > 0.5
        )
    if entity == "IP_ADDRESS" or entity == "EMAIL_ADDRESS":
        return evidence.share(entity) > 0.3
    return evidence.share(entity) > 0.2


def _values(entity: str, evidence: Evidence, reasons: dict[str, float]) -> float:
    """Adds what the values say; the share of rows that are it."""
    weigh = _OWN.get(entity)
    if weigh is not None:
        return weigh(evidence, reasons)
    return _found(entity, evidence, reasons)


def _found(entity: str, evidence: Evidence, reasons: dict[str, float]) -> float:
    found = evidence.found.get(entity, Found())
    share = evidence.share(entity)
    confirmed = found.confirmed / evidence.rows
    if entity in _VAGUE:
        reasons[f"{share:.0%} have its form, as many numbers do"] = 1.0 * share - 2.0
    elif confirmed > 0.05:
        # By chance a checksum of one digit fits one in ten.
        reasons[f"{confirmed:.0%} have a right checksum or form"] = _step(confirmed, 0.4, 14.0, -4.0, 6.5)
    else:
        reasons[f"{share:.0%} are found to be it, with {found.score:.2f} on average"] = (
            _step(share, 0.5, 10.0, -3.0, 3.0) + 9 * (min(found.score, 0.85) - 0.45) * share
        )
    if evidence.shape("epoch") > 0.9:
        reasons["they are times since 1970"] = -4.0
    if evidence.shape("ean") > 0.9 and entity != "CREDIT_CARD":
        reasons["they have GS1's check digit"] = -4.0
    if evidence.spread is not None and evidence.spread < 2_000 and evidence.values > 20:
        reasons["they are numbers close together"] = -3.0
    if evidence.shape("version") > 0.9 and entity != "IP_ADDRESS":
        reasons["they are versions"] = -3.0
    return share


def _telephone(evidence: Evidence, reasons: dict[str, float]) -> float:
    share = evidence.share("PHONE_NUMBER")
    dashed, prefixed = evidence.shape("dashed"), evidence.shape("telephone")
    form = max(dashed, prefixed, share if evidence.shape("digits") < 0.5 else 0.0)
    reasons[f"{share:.0%} are found to be it"] = _step(share, 0.3, 5.0, -1.5, 2.0)
    reasons[f"{dashed:.0%} are written as numbers are dialled, {prefixed:.0%} begin with +, 0 or ("] = _step(
        form, 0.5, 8.0, -3.0, 3.5
    )
    if (
        evidence.shape("dated") > 0.3
        or evidence.shape("version") > 0.5
        or (evidence.shape("number") > 0.95 and prefixed < 0.3)
    ):
        reasons["they are dates, versions or plain numbers"] = -4.0
    if evidence.shape("epoch") > 0.9:
        reasons["they are times since 1970"] = -4.0
    if evidence.shape("ean") > 0.9:
        reasons["they have GS1's check digit"] = -4.0
    if (evidence.found.get("US_SSN", Found()).score > 0.4 and evidence.share("US_SSN") > 0.8) or evidence.found.get(
        "UK_NHS", Found()
    ).confirmed > 0.8 * evidence.rows:
        reasons["they are numbers of another kind"] = -3.0
    return max(share, dashed)


def _person(evidence: Evidence, reasons: dict[str, float]) -> float:
    person, given, family = (evidence.shape(one) for one in ("person", "given", "family"))
    single = max(given, family)
    model = evidence.share("PERSON")
    share = max(person, single, model)
    reasons[f"{person:.0%} are a given and a family name, {given:.0%} a given, {family:.0%} a family name"] = max(
        _step(person, 0.22, 14.0, -1.0, 5.0), _step(single, 0.45, 14.0, -2.0, 5.0), _step(model, 0.6, 8.0, -1.0, 2.0)
    )
    if evidence.shape("letters") < 0.7:
        reasons["they are not names' letters"] = -4.0
    if evidence.shape("company") > 0.15:
        reasons[f"{evidence.shape('company'):.0%} are companies"] = -5.0
    if evidence.values < 15:
        reasons["fewer names than people"] = -2.5
    if evidence.shape("town") > max(0.5, 1.1 * single):
        reasons["they are towns"] = -2.0
    return share


def _location(evidence: Evidence, reasons: dict[str, float]) -> float:
    street, town = max(evidence.shape("street"), evidence.shape("postal")), evidence.shape("town")
    model = evidence.share("LOCATION")
    reasons[f"{street:.0%} have a street and a number, {town:.0%} are towns"] = max(
        _step(street, 0.35, 12.0, -2.0, 5.5), _step(town, 0.6, 10.0, -2.0, 3.5), _step(model, 0.6, 8.0, -1.0, 1.0)
    )
    if street < 0.5 and evidence.shape("numbered") > 0.9 and evidence.shape("prefixed") < 0.1:
        reasons["they are words with a number beside them"] = 3.0
    if max(evidence.shape("given"), evidence.shape("family"), evidence.shape("person")) > max(town, street, 0.5):
        reasons["they are names of people"] = -3.0
    if evidence.shape("company") > 0.3 and street < 0.5:
        reasons["they are companies"] = -2.0
    return max(street, town, model)


def _born(evidence: Evidence, reasons: dict[str, float]) -> float:
    dated, born = evidence.shape("dated"), evidence.shape("born")
    reasons[f"{born:.0%} are dates of people's lives"] = 1.0 * born - 2.0 * (dated < 0.7)
    return born


_OWN = {"PHONE_NUMBER": _telephone, "PERSON": _person, "LOCATION": _location, "DATE_OF_BIRTH": _born}


def _inside(column: Candidate, told: str | None) -> list[Classification]:
    """What stands in longer texts: each text that has it is enough to be personal, so few will do."""
    evidence, found = column.evidence, []
    for entity, own in sorted(evidence.found.items()):
        vague = entity in ("PHONE_NUMBER", "US_SSN", "IP_ADDRESS")
        if not own.inside or entity == told or not (vague or entity in _TOLD_INSIDE) or evidence.shape("text") < 0.3:
            continue
        # Postal codes beside numbers of houses, and versions, are taken for such numbers.
        if vague and (told == "LOCATION" or evidence.shape("machine") > 0.3):
            continue
        if entity == "US_SSN" and evidence.found.get("PHONE_NUMBER", Found()).inside > own.inside:
            continue
        confidence = 1 - 1 / (1 + own.inside * (0.3 if vague else 3.0))
        reasons = (f"in {own.inside} of {evidence.rows} texts",)
        share = round(own.inside / evidence.rows, 4)
        found.append(Classification(column.name, entity, round(confidence, 4), share, True, reasons))
    return found


def _step(share: float, middle: float, slope: float, low: float, high: float) -> float:
    """From ``low`` at a share of nothing to ``high`` at one of all, steepest in the middle."""
    return low + (high - low) / (1 + math.exp(-slope * (share - middle)))


def _leaf(path: str) -> str:
    """The name that says what it is: a field's own, or that of what the array or map is called."""
    parts = [part for part in path.replace("$", "").split(".") if part and part not in ("_element", "key", "value")]
    return parts[-1] if parts else path
