"""Documents as HTML. Jinja escapes every text; names of users are also shortened, freed of signs that nobody sees, and isolated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hookline import __version__
from hookline.core.events import utc_now
from hookline.core.text import in_units, in_words, printable, shorten, shorten_path
from hookline.observability.ui.charts import spark
from hookline.observability.ui.shown import bar_of, chart_of, history_of

_NAME, _TEXT, _TITLE = 60, 400, 500
UNKNOWN = "\u2013"


def environment() -> Environment:
    """The templates with what they may call."""
    made = Environment(
        loader=PackageLoader("hookline.observability.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "name": name,
        "path": path,
        "text": text,
        "moment": moment,
        "ago": ago,
        "seconds": seconds,
        "span": span,
        "some": some,
        "bytes": size,
        "count": count,
        "percent": percent,
        "money": money,
        "number": plain,
    }
    made.globals |= {"hookline_version": __version__, "link": link}
    made.globals |= {"chart_of": chart_of, "gantt": bar_of, "spark": spark, "history_of": history_of}
    return made


def link(path: str, **query: Any) -> str:
    """An address within the page; what is None or empty is left out."""
    asked = [(key, value) for key, value in query.items() if value not in (None, "", ())]
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


def name(value: str | None, width: int = _NAME) -> Markup:
    """A name from outside: short, all of it (within reason) on demand, and without effect on what stands beside it."""
    return _isolated(value or "", shorten(printable(value or ""), width))


def path(value: str | None, width: int = _NAME) -> Markup:
    """A dataset's name: its last parts are what tells it from others."""
    return _isolated(value or "", shorten_path(printable(value or ""), width))


def _isolated(whole: str, short: str) -> Markup:
    if not short:
        return Markup('<bdi class="quiet">(no name)</bdi>')
    if short == whole:
        return Markup("<bdi>{}</bdi>").format(short)
    return Markup('<bdi title="{}">{}</bdi>').format(shorten(printable(whole), _TITLE), short)


def text(value: str | None, width: int = _TEXT) -> Markup:
    """A sentence in which names from outside may be."""
    return Markup("<bdi>{}</bdi>").format(shorten(printable(value or ""), width))


def moment(value: str | None) -> Markup:
    """A time, to the second, in UTC."""
    if not value:
        return Markup("\u2013")
    shown = _time(value)
    return Markup('<time datetime="{}">{}</time>').format(
        value, value[:19] if shown is None else f"{shown:%Y-%m-%d %H:%M:%S}"
    )


def ago(value: str | None) -> Markup:
    """How long ago, in words."""
    at = _time(value) if value else None
    if at is None:
        return Markup("\u2013")
    passed = (utc_now() - at).total_seconds()
    exact = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(value, exact, _span(passed))


def _span(passed: float) -> str:
    if passed < 0:
        return "in the future"
    for size_s, word in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if passed >= size_s:
            return f"{passed / size_s:.0f} {word} ago"
    return "just now"


def seconds(value: float | None) -> str:
    """A duration."""
    return UNKNOWN if value is None else in_words(value)


def span(value: float | None) -> str:
    """A long time, roughly."""
    if value is None or value < 2 * 86_400:
        return seconds(value)
    return f"{value / 86_400:,.1f} days"


def some(value: int, word: str) -> str:
    """So many of something."""
    return f"{value:,} {word}" if value == 1 else f"{value:,} {word}s"


def size(value: float | None) -> str:
    """Bytes."""
    return UNKNOWN if value is None else in_units(value)


def count(value: float | None) -> str:
    """A whole number."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share: only what is whole is 100 %."""
    if value is None:
        return UNKNOWN
    shown = f"{100 * value:.1f}"
    return f"{'99.9' if shown == '100.0' and value < 1 else shown.removesuffix('.0')} %"


def money(amount: float | None, currency: str | None) -> str:
    """An amount: cents, or more digits of what is less."""
    if amount is None:
        return UNKNOWN
    shown = f"{amount:,.2f}" if abs(amount) >= 0.995 or amount == 0 else f"{amount:.2g}"
    return f"{shown} {printable(currency or '', 8)}"


def plain(value: float | None) -> str:
    """Any number."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _time(value: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(dt.timezone.utc) if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)


class Pages:
    """Renders the templates."""

    def __init__(self) -> None:
        self._environment = environment()

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """A page; what can't be written in UTF-8 is replaced."""
        made = self._environment.get_template(template).render(values)
        return made.encode("utf-8", "replace").decode("utf-8")
