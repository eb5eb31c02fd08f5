"""Columns whose truth is known: personal data of many countries, and what looks like it. Everything comes from a seed.

The names of the columns are clear, shortened, in the country's language, or say nothing. Where nobody could tell from the values
(a date of birth, an account number), the name is one that says it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from faker import Faker

TUNING = (
    "en_US",
    "de_DE",
    "fr_FR",
    "it_IT",
    "ja_JP",
    "pl_PL",
    "en_GB",
    "es_ES",
    "nl_NL",
    "pt_BR",
    "ru_RU",
    "ko_KR",
    "sv_SE",
    "tr_TR",
    "cs_CZ",
)
TESTING = (
    "en_AU", "es_MX", "fi_FI", "da_DK", "hu_HU", "ro_RO", "el_GR", "uk_UA", "id_ID", "fr_CA", "zh_CN", "pt_PT", "no_NO", "sk_SK", "en_IN", "de_AT",
)  # fmt: skip


class Labelled(NamedTuple):
    """A column of a table: its name, Spark type and values as text, and the entity that it holds; None for a look-alike."""

    table: int
    kind: str
    locale: str
    name: str
    type: str
    values: list[str | None]
    entity: str | None


class _Maker:
    def __init__(self, locale: str, seed: int) -> None:
        self.locale = locale
        self.fake = Faker(locale)
        self.fake.seed_instance(seed)
        self.plain = Faker("en_US")
        self.plain.seed_instance(seed + 1)
        self.random = random.Random(f"{locale} {seed}")

    def digits(self, count: int) -> str:
        return str(self.random.randrange(10 ** (count - 1), 10**count))

    def phone(self) -> str:
        return str(self.fake.phone_number())

    def nhs(self) -> str:
        while True:
            nine = self.digits(9)
            check = 11 - sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
            if check != 10:
                whole = nine + str(check % 11)
                return f"{whole[:3]} {whole[3:6]} {whole[6:]}" if self.random.random() < 0.5 else whole

    def note(self, what: Callable[[], str], word: str) -> str:
        said = self.plain.sentence(nb_words=9)
        if self.random.random() < 0.3:
            said += f" {word} {what()} please. {self.plain.sentence(nb_words=5)}"
        return str(said)

    def born(self) -> str:
        return (dt.date(1940, 1, 1) + dt.timedelta(days=self.random.randrange(25_000))).isoformat()

    def recent(self) -> dt.datetime:
        return dt.datetime(2022, 1, 1) + dt.timedelta(seconds=self.random.randrange(100_000_000))

    def url(self) -> str:
        return f"https://shop.example.com/{self.plain.word()}/{self.plain.word()}-{self.digits(4)}.html"

    def version(self) -> str:
        return ".".join(str(self.random.randrange(0, top)) for top in (9, 30, 400))


Make = Callable[[_Maker], str]


class _Kind(NamedTuple):
    entity: str | None
    make: Make
    names: tuple[str, ...]
    type: str = "string"
    told: bool = False  # nobody could tell from the values alone
    locales: tuple[str, ...] = ()


_FIRST = {
    "": ("first_name", "firstName", "given_name", "FNAME", "cust_first_nm", "forename"),
    "de": ("vorname", "kunde_vorname"),
    "fr": ("prenom", "prénom_client"),
    "it": ("nome",),
    "es": ("nombre", "nombre_cliente"),
    "pt": ("primeiro_nome",),
    "nl": ("voornaam",),
    "pl": ("imie",),
    "sv": ("fornamn", "förnamn"),
}
_LAST = {
    "": ("last_name", "lastName", "surname", "LNAME", "family_name", "cust_last_nm"),
    "de": ("nachname", "familienname"),
    "fr": ("nom_de_famille", "nom"),
    "it": ("cognome",),
    "es": ("apellido", "apellidos"),
    "pt": ("sobrenome",),
    "nl": ("achternaam",),
    "pl": ("nazwisko",),
    "sv": ("efternamn",),
}
_LOCAL = {"first": _FIRST, "last": _LAST}

PERSONAL: dict[str, _Kind] = {
    "email": _Kind("EMAIL_ADDRESS", lambda m: m.fake.email(), ("email", "e_mail", "contact_email", "EmailAddr", "courriel", "correo", "mail")),
    "phone": _Kind("PHONE_NUMBER", _Maker.phone, ("phone", "phone_number", "mobile", "tel", "telefon", "cell_no", "telefono", "PhoneNbr", "contact_phone")),
    "name": _Kind("PERSON", lambda m: m.fake.name(), ("name", "full_name", "customer_name", "contact_person", "cardholder", "patient_name")),
    "first": _Kind("PERSON", lambda m: m.fake.first_name(), ()),
    "last": _Kind("PERSON", lambda m: m.fake.last_name(), ()),
    "street": _Kind("LOCATION", lambda m: m.fake.street_address(), ("street", "address", "address_line1", "street_address", "addr1", "delivery_address")),
    "address": _Kind("LOCATION", lambda m: m.fake.address(), ("address", "full_address", "billing_address", "shipping_addr", "home_address")),
    "city": _Kind("LOCATION", lambda m: m.fake.city(), ("city", "town", "ship_city", "ort", "ville", "ciudad", "residence_city"), told=True),
    "card": _Kind("CREDIT_CARD", lambda m: m.fake.credit_card_number(), ("card_number", "credit_card", "cc_num", "pan", "card_no", "payment_card")),
    "iban": _Kind("IBAN_CODE", lambda m: m.fake.iban(), ("iban", "bank_account", "account_iban", "payout_account"),
                  locales=("en_GB", "de_DE", "fr_FR", "it_IT", "pl_PL", "es_ES", "nl_NL", "tr_TR", "pt_BR", "sv_SE", "de_AT", "fi_FI", "da_DK", "hu_HU", "ro_RO", "pt_PT", "no_NO", "sk_SK")),
    "ipv4": _Kind("IP_ADDRESS", lambda m: m.fake.ipv4_public(), ("ip", "client_ip", "ip_address", "remote_addr", "last_login_ip")),
    "ipv6": _Kind("IP_ADDRESS", lambda m: m.fake.ipv6(), ("ip", "client_ipv6", "ip_address", "source_address")),
    "mac": _Kind("MAC_ADDRESS", lambda m: m.fake.mac_address(), ("mac", "mac_address", "device_mac", "hw_addr")),
    "ssn": _Kind("US_SSN", lambda m: m.fake.ssn(), ("ssn", "social_security_number", "tax_id", "ss_num"), locales=("en_US", "fr_CA")),
    "ssn_digits": _Kind("US_SSN", lambda m: m.fake.ssn().replace("-", ""), ("ssn", "social_security_no", "emp_ssn"), told=True, locales=("en_US", "fr_CA")),
    "nhs": _Kind("UK_NHS", _Maker.nhs, ("nhs_number", "nhs", "patient_nhs_no"), locales=("en_GB", "en_AU")),
    "born": _Kind("DATE_OF_BIRTH", _Maker.born, ("dob", "birth_date", "date_of_birth", "birthday", "geburtsdatum", "BirthDt"), type="date", told=True),
    "born_text": _Kind("DATE_OF_BIRTH", _Maker.born, ("dob", "birth_date", "date_of_birth", "geburtsdatum", "date_naissance"), told=True),
    "note": _Kind("EMAIL_ADDRESS", lambda m: m.note(m.fake.email, "Contact"), ("note", "comment", "remarks", "message", "description")),
    "call": _Kind("PHONE_NUMBER", lambda m: m.note(m.fake.phone_number, "Call"), ("note", "comment", "agent_notes"), locales=("en_US", "en_GB", "de_DE", "fr_FR", "pt_BR", "en_IN", "en_AU", "da_DK", "fr_CA")),
}  # fmt: skip

LOOKALIKE: dict[str, _Kind] = {
    "epoch": _Kind(None, lambda m: str(int(m.recent().timestamp())), ("ts", "created_at", "event_time", "updated"), type="bigint"),
    "epoch_ms": _Kind(None, lambda m: str(int(m.recent().timestamp() * 1000)), ("ts_ms", "timestamp", "event_ts"), type="bigint"),
    "epoch_text": _Kind(None, lambda m: str(int(m.recent().timestamp())), ("ts", "created", "last_seen")),
    "ean": _Kind(None, lambda m: m.fake.ean13() if hasattr(m.fake, "ean13") else m.digits(13), ("ean", "barcode", "gtin", "product_code")),
    "isbn": _Kind(None, lambda m: m.plain.isbn13(), ("isbn", "isbn13", "book_code")),
    "order_id": _Kind(None, lambda m: f"ORD-{m.digits(7)}", ("order_id", "order_no", "order_ref")),
    "order_number": _Kind(None, lambda m: str(4_500_000_000 + m.random.randrange(300_000)), ("order_number", "sales_doc", "order_id"), type="bigint"),
    "invoice": _Kind(None, lambda m: f"{m.recent().year}{m.digits(6)}", ("invoice_no", "inv_num", "document_number")),
    "customer_id": _Kind(None, lambda m: m.digits(9), ("customer_id", "cust_no", "account_id", "client_key"), type="bigint"),
    "ten_digits": _Kind(None, lambda m: m.digits(10), ("parcel_id", "item_id", "shipment_no")),
    "sixteen": _Kind(None, lambda m: m.digits(16), ("transaction_id", "trace_id", "txn_ref")),
    "zip": _Kind(None, lambda m: m.fake.postcode(), ("zip", "postcode", "postal_code", "plz", "zip_code"), told=True),
    "uuid": _Kind(None, lambda m: str(uuid.UUID(int=m.random.getrandbits(128), version=4)), ("id", "uuid", "session_id", "event_id")),
    "hash": _Kind(None, lambda m: hashlib.sha256(m.digits(9).encode()).hexdigest(), ("checksum", "row_hash", "etag")),
    "sku": _Kind(None, lambda m: f"{m.plain.lexify('??').upper()}-{m.digits(4)}-{m.plain.lexify('?').upper()}", ("sku", "article", "part_no")),
    "amount": _Kind(None, lambda m: f"{m.random.lognormvariate(4, 1.5):.2f}", ("amount", "price", "total", "net_value"), type="decimal(12,2)"),
    "quantity": _Kind(None, lambda m: str(m.random.randrange(1, 500)), ("quantity", "qty", "units"), type="int"),
    "percent": _Kind(None, lambda m: f"{m.random.random():.6f}", ("rate", "score", "margin"), type="double"),
    "when": _Kind(None, lambda m: m.recent().isoformat(sep=" "), ("order_date", "created_at", "shipped_on"), type="timestamp"),
    "when_text": _Kind(None, lambda m: m.recent().strftime("%Y-%m-%dT%H:%M:%SZ"), ("order_date", "created_at", "load_ts")),
    "day": _Kind(None, lambda m: m.recent().date().isoformat(), ("order_date", "due_date", "business_day"), type="date"),
    "product": _Kind(None, lambda m: f"{m.plain.color_name()} {m.plain.random_element(_THINGS)}", ("product", "product_name", "item_name", "title")),
    "company": _Kind(None, lambda m: m.fake.company(), ("company", "vendor", "supplier", "company_name", "merchant")),
    "job": _Kind(None, lambda m: m.plain.job(), ("job", "job_title", "position", "occupation")),
    "country": _Kind(None, lambda m: m.plain.country(), ("country", "country_name", "market")),
    "country_code": _Kind(None, lambda m: m.plain.country_code(), ("country_code", "iso2", "ctry")),
    "currency": _Kind(None, lambda m: m.plain.currency_code(), ("currency", "ccy")),
    "color": _Kind(None, lambda m: m.plain.color_name(), ("color", "colour", "variant")),
    "status": _Kind(None, lambda m: m.random.choice(["NEW", "PAID", "SHIPPED", "RETURNED", "CANCELLED"]), ("status", "state", "order_status")),
    "url": _Kind(None, _Maker.url, ("url", "page", "landing_page")),
    "version": _Kind(None, _Maker.version, ("version", "app_version", "build")),
    "version4": _Kind(None, lambda m: f"{_Maker.version(m)}.{m.random.randrange(2_000, 9_999)}", ("version", "firmware", "build_no")),
    "month": _Kind(None, lambda m: m.plain.month_name(), ("month", "period", "month_name")),
    "weekday": _Kind(None, lambda m: m.plain.day_of_week(), ("weekday", "day")),
    "tracking": _Kind(None, lambda m: f"1Z{m.plain.bothify('??').upper()}{m.digits(12)}", ("tracking_number", "tracking", "parcel")),
    "flag": _Kind(None, lambda m: m.random.choice("01"), ("active", "is_new", "flag"), type="int"),
    "year": _Kind(None, lambda m: str(m.random.randrange(1990, 2026)), ("year", "fiscal_year", "model_year"), type="int"),
    "coordinates": _Kind(None, lambda m: f"{m.random.uniform(0, 100):.1f}", ("weight_kg", "length_cm", "temperature"), type="double"),
    "path": _Kind(None, lambda m: m.plain.file_path(), ("path", "file", "source_file")),
    "sentence": _Kind(None, lambda m: m.plain.sentence(), ("description", "comment", "review_text")),
    "category": _Kind(None, lambda m: m.plain.random_element(_THINGS), ("category", "department", "segment")),
    "user_agent": _Kind(None, lambda m: m.plain.user_agent(), ("user_agent", "ua", "browser")),
    "discount": _Kind(None, lambda m: m.plain.bothify("????##").upper(), ("coupon", "promo_code", "voucher")),
    "brand": _Kind(None, lambda m: m.plain.last_name() + m.random.choice((" & Co", " Group", " Inc", " LLC")), ("brand", "maker", "label")),
    "word": _Kind(None, lambda m: m.plain.word(), ("tag", "topic", "keyword", "label")),
    "team": _Kind(None, lambda m: f"{m.plain.color_name()} {m.plain.random_element(_ANIMALS)}", ("team", "club", "campaign")),
    "language": _Kind(None, lambda m: m.plain.language_name(), ("language", "lang")),
    "phone_like": _Kind(None, lambda m: m.digits(11), ("meter_reading", "counter", "batch_no")),
}  # fmt: skip

_ANIMALS = ("Foxes", "Bears", "Hawks", "Lions", "Wolves", "Bees", "Sharks", "Owls")
_THINGS = (
    "Chair",
    "Table",
    "Lamp",
    "Shelf",
    "Sofa",
    "Mug",
    "Kettle",
    "Toaster",
    "Blanket",
    "Pillow",
    "Bike",
    "Helmet",
    "Tent",
    "Knife",
)


def tables(locales: tuple[str, ...], seed: int, *, count: int, rows: int = 300) -> list[list[Labelled]]:
    """Tables of 8 to 14 columns each, about half of them personal; every kind that a locale has comes up in turn."""
    chance = random.Random(f"tables {seed}")
    found = []
    for number in range(count):
        locale = locales[number % len(locales)]
        maker = _Maker(locale, seed * 10_000 + number)
        columns = []
        own = [kind for kind, what in PERSONAL.items() if not what.locales or locale in what.locales]
        chosen = chance.sample(own, chance.randrange(3, 8)) + chance.sample([*LOOKALIKE], chance.randrange(5, 9))
        chance.shuffle(chosen)
        used: set[str] = set()
        for place, kind in enumerate(chosen):
            what = PERSONAL.get(kind) or LOOKALIKE[kind]
            name = _name(kind, what, locale, chance, place)
            while name in used:
                name += "_2"
            used.add(name)
            blank = chance.choice((0.0, 0.0, 0.05, 0.3))
            values = [None if chance.random() < blank else _made(what, maker) for _ in range(rows)]
            columns.append(Labelled(number, kind, locale, name, what.type, values, what.entity))
        found.append(columns)
    return found


def _made(what: _Kind, maker: _Maker) -> str:
    return str(what.make(maker))


def _name(kind: str, what: _Kind, locale: str, chance: random.Random, place: int) -> str:
    if not what.told and chance.random() < 0.25:
        return chance.choice((f"c{place}", f"field_{place}", f"attr{place}", f"value_{place}", f"_c{place}"))
    local: Any = _LOCAL.get(kind)
    if local is None:
        return chance.choice(what.names)
    return chance.choice((*local[""], *local.get(locale[:2], ())))
