"""Columns are told by all that speaks for them; what only looks alike is not."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from faker import Faker

from hookline.governance.pii.analyzer import Analyzer
from hookline.governance.pii.evidence import Evidence, gather
from hookline.governance.pii.verdict import Candidate, Classification, judge
from hookline.governance.pii.words import said

Columns = dict[str, tuple[str, list[str]]]


def made(kind: str, locale: str = "en_US", count: int = 200, seed: int = 4) -> list[str]:
    faker = Faker(locale)
    faker.seed_instance(seed)
    return [str(getattr(faker, kind)()) for _ in range(count)]


def told(analyzer: Analyzer, columns: Columns, least: float = 0.6) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in judged(analyzer, columns, least):
        found.setdefault(one.column, []).append(one.entity)
    return found


def judged(analyzer: Analyzer, columns: Columns, least: float = 0.6) -> list[Classification]:
    candidates = []
    for name, (type, values) in columns.items():
        counts = Counter(values)
        candidates.append(Candidate(name, type, gather(analyzer, list(counts), counts.values())))
    return judge(candidates, least=least)


@pytest.mark.parametrize(
    ("kind", "locale", "entity"),
    [
        ("email", "fr_FR", "EMAIL_ADDRESS"),
        ("iban", "de_DE", "IBAN_CODE"),
        ("credit_card_number", "en_US", "CREDIT_CARD"),
        ("ipv4", "en_US", "IP_ADDRESS"),
        ("ipv6", "en_US", "IP_ADDRESS"),
        ("mac_address", "en_US", "MAC_ADDRESS"),
        ("ssn", "en_US", "US_SSN"),
        ("name", "ja_JP", "PERSON"),
        ("name", "da_DK", "PERSON"),
        ("first_name", "ro_RO", "PERSON"),
        ("last_name", "hu_HU", "PERSON"),
        ("street_address", "es_MX", "LOCATION"),
        ("address", "fi_FI", "LOCATION"),
    ],
)
def test_values_alone_say_it(analyzer: Analyzer, kind: str, locale: str, entity: str) -> None:
    assert told(analyzer, {"c7": ("string", made(kind, locale))}) == {"c7": [entity]}


LOOKALIKES: Columns = {
    "a1": ("bigint", [str(1_600_000_000 + 37 * n) for n in range(200)]),
    "a2": ("bigint", [str(1_600_000_000_000 + 37_001 * n) for n in range(200)]),
    "a3": ("string", made("ean13")),
    "a4": ("string", [f"ORD-{n:07}" for n in range(200)]),
    "a5": ("bigint", [str(4_500_000_000 + n) for n in range(200)]),
    "a6": ("string", [str(10 ** 15 + random.Random(n).randrange(9 * 10 ** 15)) for n in range(200)]),
    "zip": ("string", made("postcode")),
    "a8": ("string", made("uuid4")),
    "a9": ("decimal(10,2)", [f"{n}.{n % 100:02}" for n in range(200)]),
    "b1": ("string", [f"1.{n}.3" for n in range(200)]),
    "b2": ("string", made("company")),
    "b3": ("string", made("job")),
    "b4": ("string", made("country")),
    "b5": ("string", made("color_name")),
    "b6": ("string", made("month_name")),
    "b7": ("string", made("user_agent")),
    "b8": ("string", made("sentence")),
    "b9": ("date", made("date")),
    "c1": ("string", made("isbn13")),
    "c2": ("boolean", ["true", "false"]),
    "customer_id": ("bigint", [str(random.Random(n).randrange(10**8, 10**9)) for n in range(200)]),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKALIKES)
def test_look_alikes_do_not_pass(analyzer: Analyzer, name: str) -> None:
    assert told(analyzer, {name: LOOKALIKES[name]}) == {}


def test_a_name_says_what_values_can_not(analyzer: Analyzer) -> None:
    nine = [str(random.Random(n).randrange(10**8, 10**9)) for n in range(200)]
    days = made("date")
    assert told(analyzer, {"ssn": ("string", nine), "ref": ("string", nine)}) == {"ssn": ["US_SSN"]}
    assert told(analyzer, {"dob": ("date", days), "due": ("date", days)}) == {"dob": ["DATE_OF_BIRTH"]}


def test_a_name_alone_does_not_make_values_what_they_are_not(analyzer: Analyzer) -> None:
    assert told(analyzer, {"email": ("string", [f"step {n}" for n in range(200)])}) == {}
    assert told(analyzer, {"phone": ("string", made("sentence"))}) == {}


def test_an_empty_column_is_told_by_its_name() -> None:
    (one,) = judge([Candidate("customer_email", "string", Evidence())], least=0.6)
    assert (one.entity, one.share) == ("EMAIL_ADDRESS", 0.0)


def test_addresses_in_texts_are_told_as_such(analyzer: Analyzer) -> None:
    notes = [
        f"{text} {'Write to anna@example.com please.' if n % 5 == 0 else ''}"
        for n, text in enumerate(made("paragraph"))
    ]
    (one,) = judged(analyzer, {"note": ("string", notes)})
    assert (one.entity, one.within) == ("EMAIL_ADDRESS", True)
    assert one.share == pytest.approx(0.2, abs=0.02)


def test_confidence_falls_with_the_share_of_values(analyzer: Analyzer) -> None:
    mails, words = made("email"), made("word")
    found = []
    for share in (200, 120, 60, 20):
        own = judged(
            analyzer, {"c": ("string", [*mails[:share], *(f"{word} {n}" for n, word in enumerate(words[share:]))])}, 0.0
        )
        found.append(max((one.confidence for one in own if one.entity == "EMAIL_ADDRESS"), default=0.0))
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.95 > 0.6 > found[-1]


def test_no_reason_holds_a_value(analyzer: Analyzer) -> None:
    columns: Columns = {
        "who": ("string", made("name")),
        "mail": ("string", made("email")),
        "n": ("string", made("ean13")),
    }
    said_of_them = str(judged(analyzer, columns, least=0.0)).casefold()
    for _, values in columns.values():
        assert not any(value.casefold() in said_of_them for value in values)


@pytest.mark.parametrize(
    ("name", "entity"),
    [
        ("customerEmailAddr", "EMAIL_ADDRESS"), ("CUST_FIRST_NM", "PERSON"), ("date_naissance", "DATE_OF_BIRTH"),
        ("Prénom", "PERSON"), ("TelefonNr", "PHONE_NUMBER"), ("BillingStreet1", "LOCATION"), ("GeburtsDatum", "DATE_OF_BIRTH"),
        ("cardNumber", "CREDIT_CARD"), ("email_status", None), ("mobile_flag", None), ("created_at", None), ("mac_address", "MAC_ADDRESS"), ("ip_country", None), ("город", None),
    ],
)  # fmt: skip
def test_what_names_of_columns_say(name: str, entity: str | None) -> None:
    assert said(name).named == (frozenset() if entity is None else {entity})


def test_words_of_ones_own_recognizer_say_it_too() -> None:
    candidate = Candidate("staff_ref", "string", Evidence())
    assert judge([candidate], least=0.6) == []
    (one,) = judge([candidate], least=0.6, contexts={"EMPLOYEE": ["Staff"]})
    assert one.entity == "EMPLOYEE"
