"""The report for those who have to answer for a run: everything is in it, and no name in it can do harm."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from hookline.core.events import Dataset, ErrorInfo, Measure, RunEnded, SetAside, Verdict, Write
from hookline.core.store import JudgedWrite
from hookline.core.store.records import PastVerdict
from hookline.quality.audit import Matter, Sample, compare, masked, page
from hookline.quality.audit.matter import outcome_of_run
from hookline.testing import sample_run, sample_run_ended, sample_write

EVIL = "</style><script>alert(1)</script>\"'><img src=x onerror=y>\u202e&amp;\x00"


def verdict(check: str = "range(price)", status: Any = "passed", **facts: Any) -> Verdict:
    return Verdict(check, facts.pop("severity", "error"), status, suite="abc123def456", **facts)


def ended(*writes: Write, **facts: Any) -> RunEnded:
    return sample_run_ended(writes=writes, **facts)


class Reader(HTMLParser):
    """What a browser would make of it: the elements, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_all_that_an_auditor_asks_for_is_in_it() -> None:
    run = sample_run(user="mira", environment="prod")
    aside = SetAside(Measure.outside("price", minimum=0))
    write = sample_write(
        rows=97,
        rows_quarantined=3,
        quarantine=Dataset("file", "/lake/sales_quarantine"),
        data_version="41",
        verdicts=(
            verdict(status="failed", observed=3, failing_rows=3, expected="price is at least 0", sets_aside=aside),
            verdict("freshness(day)", "error", message="no column 'day'", expected="younger than 2 days"),
        ),
    )
    former = JudgedWrite("w", "r", "2026-03-01T00:00:00", True, 50, 1, {"range(price)": PastVerdict("passed", "0", 0)})
    matter = Matter(run, ended(write), {("file", "/data/orders"): (former,)})
    text = page(matter, version="0.1")
    plain = " ".join(" ".join(Reader(text).text).split())
    for told in (
        run.run_id,
        "mira",
        "prod",
        "abc123def456",
        "41",
        "/lake/sales_quarantine",
        "price is at least 0",
        "no column 'day'",
        "97",
        "0 of 2 checks passed in 1 write; 3 rows set aside",
        "Rows of the last 2 writes; at most 100",
        "first time",
    ):
        assert told in plain, told
    assert 'title="2026-03-01T00:00:00: passed, found 0"' in text


def test_it_is_one_file_that_loads_nothing_and_runs_nothing() -> None:
    text = page(Matter(sample_run(), ended(sample_write(verdicts=(verdict(),)))), version="0.1")
    reader = Reader(text)
    assert not [tag for tag, _ in reader.tags if tag in ("script", "link", "img", "iframe", "object", "base")]
    assert not [name for _, attributes in reader.tags for name in attributes if name in ("src", "href", "style")]
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text


def test_hostile_names_are_text() -> None:
    write = sample_write(
        dataset=Dataset("file", EVIL),
        quarantine=Dataset("file", EVIL),
        rows_quarantined=1,
        data_version=EVIL,
        verdicts=(verdict(EVIL, "failed", expected=EVIL, observed=EVIL, message=EVIL),),
    )
    run = sample_run(job=EVIL, user=EVIL, environment=EVIL)
    former = JudgedWrite("w", "r", EVIL, True, 5, 1, {EVIL: PastVerdict(EVIL, EVIL, 1)})
    sample = Sample((EVIL,), ((EVIL,),), (EVIL,))
    changes = compare([write], [dataclasses.replace(write, verdicts=())])
    harmless = Matter(sample_run(), ended(sample_write(verdicts=(verdict(),))))
    matter = Matter(
        run,
        ended(write, notes=(EVIL,)),
        {("file", EVIL): (former,)},
        {write.write_id: sample},
        (dataclasses.replace(run, run_id=EVIL), changes),
    )
    found, usual = Reader(page(matter, version=EVIL)), Reader(page(harmless, version="0.1"))
    known = {
        *(tag for tag, _ in usual.tags),
        "h2",
        "ul",
        "li",
        "br",
        "svg",
        "g",
        "title",
        "rect",
        "figure",
        "figcaption",
        "i",
    }
    assert {tag for tag, _ in found.tags} <= known
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    text = page(matter, version=EVIL)
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("facts", "status", "outcome"),
    [
        ({"verdicts": (verdict(),)}, "finished", "passed"),
        ({"verdicts": ()}, "finished", "unchecked"),
        ({"verdicts": (verdict(status="failed"),)}, "finished", "failed"),
        ({"verdicts": (verdict(status="error"), verdict("b"))}, "finished", "unanswered"),
        ({"verdicts": (verdict(status="failed", severity="critical"),)}, "finished", "refused"),
        ({"verdicts": (), "error": ErrorInfo("hookline.core.errors.WriteRefusedError")}, "finished", "refused"),
        ({"verdicts": (verdict(),)}, "refused", "refused"),
    ],
)
def test_the_outcome_is_the_worst(facts: dict[str, Any], status: Any, outcome: str) -> None:
    assert outcome_of_run(ended(sample_write(**facts), status=status)) == outcome


def test_batches_are_told_a_line_each_and_those_with_trouble_in_full() -> None:
    start = dt.datetime(2026, 3, 1, tzinfo=dt.timezone.utc)
    writes = [
        sample_write(
            write_id=f"r/{number}",
            batch_id=number,
            started_at=start + dt.timedelta(minutes=number),
            verdicts=(verdict(status="failed" if number == 7 else "passed"),),
        )
        for number in range(300)
    ]
    text = page(Matter(sample_run(), ended(*writes)), version="0.1")
    assert text.count("<article") == 2
    assert len(re.findall(r"<td>2026-03-01 \d\d:\d\d:\d\d</td>", text)) == 300
    assert "batch 7" in text


def test_two_runs_are_compared_check_by_check() -> None:
    before = sample_write(
        rows=5, verdicts=(verdict("a"), verdict("b", "failed", observed=2), verdict("c", observed=1), verdict("d"))
    )
    now = sample_write(
        rows=5, verdicts=(verdict("a", "failed"), verdict("b", observed=0), verdict("c", observed=4), verdict("e"))
    )
    kinds = {change.check: change.kind for change in compare([now], [before])}
    assert kinds == {"": "same", "a": "broken", "b": "mended", "c": "moved", "d": "gone", "e": "new"}


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Mira Ünal", "Xxxx Xxxx"),
        ("m.unal@example.org", "x.xxxx@xxxxxxx.xxx"),
        (-12.5, "-99.9"),
        (float("nan"), "nan"),
        (None, "null"),
        ("", "(empty)"),
        (True, "true or false"),
        ({"iban": 1}, "{1 fields}"),
        ([1, 2], "[2 items]"),
        ("1" * 30, "9" * 24 + "…"),
        ("٣\u202e\n", "9??"),
    ],
)
def test_a_sample_shows_the_shape_of_a_value_alone(value: Any, shape: str) -> None:
    assert masked(value) == shape
