"""Regions that the digits rule out have no number there, by libphonenumber itself."""

from __future__ import annotations

import random

import phonenumbers
import pytest
from faker import Faker
from presidio_analyzer.predefined_recognizers import PhoneRecognizer

from hookline.governance.pii import phones
from hookline.governance.pii.quick_phones import QuickPhones

BEFORE = ("00", "011", "0", "49", "+", "44 ", "1", "0055", "0 15 ", "(", "tel:")
SIGNS = "0123456789" * 3 + "-. ()/x+~"


def numbers(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    fakers = [
        Faker(locale)
        for locale in ("en_US", "en_GB", "de_DE", "fr_FR", "en_IN", "en_CA", "pt_BR", "he_IL", "it_IT", "ja_JP")
    ]
    for faker in fakers:
        faker.seed_instance(seed)
    found = []
    for _ in range(count):
        way = chance.random()
        if way < 0.4:
            text = chance.choice(fakers).phone_number()
        elif way < 0.7:
            text = "".join(chance.choice("0123456789") for _ in range(chance.randrange(4, 20)))
        elif way < 0.9:
            text = "".join(chance.choice(SIGNS) for _ in range(chance.randrange(5, 25)))
        else:
            text = chance.choice(BEFORE) + chance.choice(fakers).phone_number()
        found.append(f"call {text} or {chance.choice(fakers).phone_number()}" if chance.random() < 0.2 else text)
    return found


def test_no_number_is_lost() -> None:
    whole = PhoneRecognizer()
    quick = QuickPhones(whole)
    found = 0
    for text in numbers(3_000, seed=23):
        wanted = sorted((one.start, one.end) for one in whole.analyze(text, []))
        assert sorted((one.start, one.end) for one in quick.analyze(text, [])) == wanted, text
        found += len(wanted)
    assert found > 500


@pytest.mark.parametrize("region", PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS)
def test_the_library_s_own_examples_are_not_ruled_out(region: str) -> None:
    for kind in range(10):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        forms = phonenumbers.PhoneNumberFormat
        for form in (forms.NATIONAL, forms.INTERNATIONAL, forms.E164, forms.RFC3966):
            assert phones.could_be(phonenumbers.format_number(example, form), region)


def test_numbers_that_are_no_phone_s_are_ruled_out() -> None:
    assert not phones.could_be("1700000000", "US")
    assert not phones.could_be("12", "DE")
    assert not phones.could_be("only words", "DE")
