"""What a single value looks like, besides what Presidio finds in it: what look-alikes give themselves away by."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from hookline.governance.pii.words import folded, lists

# Every shape that ``shapes_of`` gives.
SHAPES = (
    "digits",
    "number",
    "letters",
    "word",
    "text",
    "machine",
    "given",
    "family",
    "person",
    "town",
    "street",
    "postal",
    "numbered",
    "company",
    "epoch",
    "ean",
    "dated",
    "born",
    "telephone",
    "dashed",
    "prefixed",
    "version",
)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
_WORDS = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]+)*\.?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:$|[T ])|(\d{1,2})[./-](\d{1,2})[./-](\d{4})$")
_PREFIX = re.compile(r"[A-Za-z]{2,6}[-_/#]?\d{3,}[A-Za-z0-9-]*")
_VERSION = re.compile(r"v?\d+(?:\.\d+){1,4}(?:[-+.]?[a-z0-9]+)?")
# Written by programs: a product and its version.
_MACHINE = re.compile(r"[A-Za-z]/\d+\.\d")
_TELEPHONE = re.compile(r"\+?[\d\s().\-/]{6,24}(?:\s?(?:x|ext\.?)\s?\d{1,6})?")
_STREET = re.compile(
    r"\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|square|terrace|way|place|plaza|crescent|close|grove|"
    r"highway|hwy|parkway|trail|loop|circle|heights|mews|rue|chemin|impasse|allee|allée|via|viale|piazza|corso|strada|borgo|contrada|"
    r"calle|avenida|avda|paseo|plaza|camino|carrera|rambla|ronda|rua|travessa|alameda|largo|quadra|ulica|ul|al|aleja|plac|pl|"
    r"gatan|vägen|sokak|sk|cadde|cd|mahallesi|mah|bulvarı|blok|ул|улица|пр|пер|наб|бул|алл|ш|apt|suite|flat|floor|box|"
    r"apartment|studio|interior|piso|appartamento|nagar|marg|chowk|ganj|circle)\b\.?"
    r"|(?:straße|strasse|str\.|gasse|weg|platz|allee|ring|damm|ufer|laan|straat|plein|dreef|kade|singel|gracht|steeg|hof|"
    r"gatan|vägen|gränden|gata|väg|torget|katu|tie|gade|vej)\b|丁目|番|号|[市区町村县區省](?=.)|[로길동구시군읍면](?=\s|\d|$)",
    re.IGNORECASE,
)
# Lines, of which one has a postal code and a place, or a place and its code.
_POSTAL = re.compile(
    r"[\n,]\s*(?:[A-Z]{1,3}-?)?\d{2,5}[ -]?\d{0,4}\s+[^\W\d]|[^\W\d]{3}[^\n,]*[,\s]+(?:[A-Z]{1,3}[ -]?)?\d[\dA-Z -]{3,8}$"
    r"|\n.*\b[A-Z]{1,2}\d{1,2}[A-Z]? ?\d[A-Z]{2}\b"
)
_NUMBERED = re.compile(
    r"[^\W\d_][^\d\n]{3,40}\s\d{1,4}\s?[a-zA-Z]?(?:/\d{1,3})?|\d{1,5}[a-z]?(?:/\d{1,3})?,? [^\W\d_]{3}[^\d\n]{2,40}"
)
_COMPANY = re.compile(
    r"\b(?:inc|ltd|llc|plc|corp|corporation|group|holding|holdings|gmbh|ag|kg|ohg|e\.?v|mbh|co|company|sons|sarl|sas|sa|s\.a\.?|s\.l\.?|srl|spa|"
    r"s\.r\.l|s\.p\.a|s\.n\.c|bv|nv|b\.v|ab|oy|as|a/s|aps|ооо|оао|зао|ип|ао|нпо|пао|рао|гк|sp\.? z o\.?o|s\.?r\.?o|a\.?ş|şti|ltda|eireli|me|s/a|fundacja|stowarzyszenie|"
    r"spółka|fpuh|gabinety|bank|partners|associates|industries|systems|solutions|limited|stiftung|kgaa|aktiengesellschaft|et fils|e figli|hijos|и сыновья|v\.o\.s)\b\.?"
    r"|株式会社|有限会社|合同会社|\(주\)|주식회사|유한회사|公司|\(유\)",
    re.IGNORECASE,
)
_AFFIXES = re.compile(
    r"(?:ville|ton|town|land|berg|burgh|borough|bury|furt|mouth|port|stad|haven|chester|fort|shire|view|side|ford|ham|field|dorf|heim|"
    r"hausen|stadt|burg|bach|kirchen|ingen|wijk|dam|drecht|sbourg|nec|ów|ice|owo|град|ск|市|区|町|村|시|군|구)$",
    re.IGNORECASE,
)
_COMPASS = re.compile(
    r"^(?:north|south|east|west|new|lake|port|saint|st|san|santa|são|bad|sankt|villa|quarto|sesto|borgo|settimo|rione|г\.|с\.|п\.|д\.|ст\.|к\.|клх)\b",
    re.IGNORECASE,
)


def shapes_of(value: str) -> Iterator[str]:
    """The shapes that a value has, of ``SHAPES``."""
    text = value.strip()
    if not text:
        return
    if text.isascii() and any(sign.isdigit() for sign in text):
        yield from _numeric(text)
    has_letters = any(sign.isalpha() for sign in text)
    if _STREET.search(text) and has_letters and any(sign.isdigit() for sign in text):
        yield "street"
    if has_letters and _POSTAL.search(text):
        yield "postal"
    if _NUMBERED.fullmatch(text):
        yield "numbered"
    if has_letters and not any(sign.isdigit() for sign in text):
        yield "letters"
        yield from _worded(text)
    elif has_letters and text.count(" ") > 6:
        yield "text"
    if _MACHINE.search(text):
        yield "machine"


def _numeric(text: str) -> Iterator[str]:
    if text.isdigit():
        yield "digits"
        if (len(text) == 10 and 946_684_800 <= int(text) < 2_147_483_648) or (
            len(text) == 13 and 946_684_800_000 <= int(text) < 2_147_483_648_000
        ):
            yield "epoch"
        if len(text) in (8, 12, 13, 14) and _ean(text):
            yield "ean"
    if _NUMBER.fullmatch(text):
        yield "number"
    elif _VERSION.fullmatch(text):
        yield "version"
    if _PREFIX.fullmatch(text):
        yield "prefixed"
    date = _DATE.match(text)
    if date is not None:
        yield "dated"
        year = int(date[1] or date[6])
        if 1900 <= year <= dt.date.today().year - 10:
            yield "born"
    elif _TELEPHONE.fullmatch(text) and sum(sign.isdigit() for sign in text) >= 7:
        if not text.isdigit() and not _NUMBER.fullmatch(text):
            yield "dashed"
        if text[0] in "+(0":
            yield "telephone"


def _worded(text: str) -> Iterator[str]:
    words = _WORDS.findall(text)
    if len(words) > 6:
        yield "text"
        return
    if len(words) == 1:
        yield "word"
    if _COMPANY.search(text):
        yield "company"
    known = lists()
    whole = folded(text)
    folds = [folded(word) for word in words]
    given = [word in known.given for word in folds]
    family = [word in known.family for word in folds]
    if whole in known.given:
        yield "given"
    if whole in known.family:
        yield "family"
    if (
        whole in known.towns
        or (_AFFIXES.search(text) and whole not in known.family and whole not in known.given)
        or _COMPASS.search(text)
    ):
        yield "town"
    both = [one or other for one, other in zip(given, family, strict=True)]
    if (len(words) >= 2 and any(given) and any(family) and sum(both) >= 2 and sum(both) >= len(words) / 2) or (
        len(words) == 1 and _together(whole)
    ):
        yield "person"


def _together(text: str) -> bool:
    """A family name and a given name without a space, as East Asia writes them."""
    known = lists()
    return (
        2 <= len(text) <= 6
        and ord(text[0]) > 0x2E80
        and any(text[:place] in known.family and text[place:] in known.given for place in range(1, len(text)))
    )


def _ean(text: str) -> bool:
    """GS1's check digit."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text))) % 10 == 0
