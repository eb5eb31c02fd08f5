"""Texts of every kind, and analyzers that are made once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from faker import Faker

from hookline.governance.pii.analyzer import Analyzer, Recipe
from hookline.governance.pii.settings import DetectionSettings

LOCALES = (
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "it_IT",
    "ja_JP",
    "ru_RU",
    "es_ES",
    "pl_PL",
    "he_IL",
    "pt_BR",
    "en_IN",
    "en_CA",
)
KINDS = (
    "email", "phone_number", "credit_card_number", "iban", "ipv4", "ipv6", "mac_address", "url", "ssn", "name", "address", "date",
    "uuid4", "ean13", "city", "postcode", "sentence", "bban", "user_name", "isbn13", "license_plate", "swift", "pystr", "user_agent",
)  # fmt: skip
SIGNS = "0123456789-. :/@xX+()abAZ\n\t'\"#_,%"


def texts(count: int, seed: int) -> Iterator[str]:
    """Values alone, in sentences, written oddly, and signs in no order."""
    chance = random.Random(seed)
    fakers = [Faker(locale) for locale in LOCALES]
    for faker in fakers:
        faker.seed_instance(seed)
    for _ in range(count):
        faker, kind = chance.choice(fakers), chance.choice(KINDS)
        value = (
            str(getattr(faker, kind)())
            if hasattr(faker, kind)
            else str(chance.randrange(10 ** chance.randrange(1, 18)))
        )
        way = chance.random()
        if way < 0.15:
            value = f"{faker.sentence()} {value} {faker.sentence()}"
        elif way < 0.2:
            value = value.replace(" ", "\n")
        elif way < 0.25:
            value = value.upper()
        elif way < 0.32:
            value = "".join(chance.choice(SIGNS) for _ in range(chance.randrange(1, 40)))
        elif way < 0.35:
            value = f"{value}\u00a0{value}"
        yield value


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    return Analyzer(Recipe(DetectionSettings()))
