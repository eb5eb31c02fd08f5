"""What names of columns say, and lists of words that tell names of people and places from other words.

Lists of given names, family names and towns are those that Faker ships for some seventy locales.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_PIECES = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")

# A column whose name has all the pieces of one of these, in whatever order, is what it says: "cust_first_nm".
_SAYS: dict[str, str] = {
    "EMAIL_ADDRESS": "email|e mail|mail|mail addr|email addr|email address|mail address|courriel|correo|emailaddr|emailaddress|eml|posta elettronica|e post",
    "PHONE_NUMBER": "phone|mobile|tel|telefon|telefono|telephone|telefone|cell|cellphone|handy|fax|msisdn|mobil|portable|movil|"
    "celular|telefoon|telefonnummer|telnr|phonenumber|puhelin|komorka",
    "PERSON": "first name|last name|full name|given name|family name|surname|forename|middle name|maiden name|customer name|"
    "contact name|contact person|cardholder|card holder|patient name|employee name|person name|first nm|last nm|fname|lname|vorname|"
    "nachname|familienname|zuname|prenom|nom famille|cognome|nombre|apellido|apellidos|primeiro nome|sobrenome|voornaam|"
    "achternaam|imie|nazwisko|fornamn|efternamn|holder name|account holder|beneficiary name|passenger name|guest name|"
    "recipient name|student name|firstname|lastname|fullname|client name|owner name|user full name|ansprechpartner",
    "LOCATION": "street|address|addr|address line|addr1|addr2|street address|city|town|strasse|straße|anschrift|adresse|rue|ville|"
    "ort|wohnort|ciudad|direccion|calle|indirizzo|citta|endereco|cidade|adres|woonplaats|straat|ulica|miasto|residence|stad|adress|"
    "gata|birthplace|lat long|latitude|longitude",
    "CREDIT_CARD": "card number|credit card|cc num|cc number|card no|payment card|pan|creditcard|cardnumber|ccnum|kreditkarte|"
    "carte bancaire|tarjeta|kartennummer|card num",
    "IBAN_CODE": "iban|account iban|bank account|payout account",
    "IP_ADDRESS": "ip|ip address|ipaddress|ip addr|ipv4|ipv6|client ip|remote addr|ip addr|source address",
    "MAC_ADDRESS": "mac|mac address|hw addr|device mac|hardware address|macaddr",
    "US_SSN": "ssn|social security|ss num|socialsecurity|ssnum|social security number",
    "US_ITIN": "itin|individual taxpayer",
    "UK_NHS": "nhs|nhs number|nhs no",
    "US_PASSPORT": "passport|passport no|passport number|reisepass|passeport|pasaporte",
    "US_DRIVER_LICENSE": "driver license|drivers license|driving licence|licence no|license number|dl number|fuehrerschein",
    "US_BANK_NUMBER": "account number|bank account|acct no|kontonummer|account no|bankaccount",
    "DATE_OF_BIRTH": "dob|birth date|date birth|birthday|birthdate|geburtsdatum|geburtstag|date naissance|naissance|data nascita|"
    "fecha nacimiento|nascimento|geboortedatum|data urodzenia|fodelsedatum|birth dt|geburts datum|born|bday|birth",
    "CRYPTO": "wallet|btc address|bitcoin",
    "MEDICAL_LICENSE": "dea number|medical license",
}
# Names that hint and do not say: a name, an account, a number.
_HINTS: dict[str, str] = {
    "PERSON": "name|first|last|given|family|middle|nom|nome|contact|customer|client|patient|passenger|employee|author|owner|user|naam|nazwa|namn|person|recipient",
    "US_SSN": "tax id|taxid|national id|tin",
    "LOCATION": "location|place|home|residence|site|delivery|billing|shipping",
    "PHONE_NUMBER": "contact|call|number|hotline",
    "EMAIL_ADDRESS": "contact|login|user|recipient|sender",
    "IP_ADDRESS": "host|client|source|remote|addr|login",
    "CREDIT_CARD": "card|payment|account",
    "IBAN_CODE": "account|bank|payment|payout|konto|conto|compte|cuenta",
}
# Names of what is not personal, however its values look.
_OTHER = (
    "order|invoice|inv|transaction|txn|trace|parcel|shipment|tracking|item|product|sku|article|part|ean|gtin|isbn|barcode|upc|book|"
    "batch|lot|counter|meter|reading|ts|timestamp|epoch|time|created|updated|modified|amount|price|total|quantity|qty|units|rate|score|"
    "margin|version|build|firmware|checksum|hash|etag|uuid|guid|session|event|status|state|flag|active|currency|ccy|country|market|"
    "company|vendor|supplier|merchant|brand|category|segment|department|color|colour|variant|job|occupation|position|weekday|month|year|"
    "day|period|url|page|path|file|filename|browser|agent|ua|voucher|coupon|promo|zip|postcode|postal|plz|code|weight|length|height|width|"
    "temperature|percent|discount|count|number of|rank|level|sequence|seq|serial|index|doc|document|model|type|kind|currency|title"
)
# Of what a column's name ends with, what makes it a fact about the rest.
_ABOUT = frozenset(
    [
        "status",
        "type",
        "flag",
        "count",
        "hash",
        "version",
        "score",
        "valid",
        "verified",
        "country",
        "domain",
        "provider",
        "consent",
        "sent",
    ]
)


class Said(NamedTuple):
    """What a column's name says: entities that it names, entities that it hints at, and whether it names something else."""

    named: frozenset[str]
    hinted: frozenset[str]
    other: bool


@lru_cache(maxsize=4_096)
def said(name: str) -> Said:
    """What the name of a column says, in whatever case and with whatever between its words."""
    pieces = pieces_of(name)
    words = set(pieces)
    matched = [(entity, one) for entity, wanted in _phrases("says") for one in wanted if one <= words]
    # Who says "IP address" does not speak of a street.
    named = {entity for entity, one in matched if not any(one < other for _, other in matched)}
    hinted = {entity for entity, wanted in _phrases("hints") if any(phrase <= words for phrase in wanted)}
    other = any(phrase <= words for phrase in _phrases("other")[0][1])
    # What is said of it is not it: "email_status", "ip_country".
    if pieces and pieces[-1] in _ABOUT:
        named = set()
    return Said(frozenset(named), frozenset(hinted - named), other)


def pieces_of(name: str) -> list[str]:
    """The words in a name, small, without accents: ``BirthDt`` is birth and dt."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    return [piece.casefold() for piece in _PIECES.findall(bare)]


@lru_cache(maxsize=3)
def _phrases(which: str) -> tuple[tuple[str, tuple[frozenset[str], ...]], ...]:
    lists = {"says": _SAYS, "hints": _HINTS, "other": {"": _OTHER}}[which]
    return tuple(
        (entity, tuple(frozenset(_plain(phrase).split()) for phrase in phrases.split("|")))
        for entity, phrases in lists.items()
    )


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


class Lists(NamedTuple):
    """Words by what they are, as ``folded`` writes them."""

    given: frozenset[str]
    family: frozenset[str]
    towns: frozenset[str]


@lru_cache(maxsize=1)
def lists() -> Lists:
    """Empty where Faker is not installed."""
    given = _faker("person", "first_name")
    family = _faker("person", "last_name")
    towns = _faker("address", "cities", "city_name", "towns", "city")
    return Lists(given, family, frozenset(town for town in towns if not any(sign.isdigit() for sign in town)))


def folded(word: str) -> str:
    """A word as the lists have it."""
    return unicodedata.normalize("NFC", word).casefold()


def _faker(provider: str, *attributes: str) -> frozenset[str]:
    found: set[str] = set()
    try:
        package = importlib.import_module(f"faker.providers.{provider}")
    except ImportError:
        return frozenset()
    for module in pkgutil.iter_modules(package.__path__):
        kind = importlib.import_module(f"{package.__name__}.{module.name}").Provider
        for attribute in dir(kind):
            if any(wanted in attribute for wanted in attributes):
                values = getattr(kind, attribute)
                if isinstance(values, (tuple, list, dict)):
                    found |= {
                        folded(value)
                        for value in values
                        if (isinstance(value, str) and len(value) > 1) or _is_sign(value)
                    }
    return frozenset(found)


def _is_sign(value: object) -> bool:
    """Many family names of East Asia are one sign."""
    return isinstance(value, str) and len(value) == 1 and ord(value) > 0x2E80
