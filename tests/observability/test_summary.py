"""The summary at the end of a run: complete, legible, never wider than the terminal, safe for any name."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any

import pytest

from hookline.core.events import Dataset, ErrorInfo, PluginReport, Read, Run, RunEnded, Verdict, Write
from hookline.core.text import display_width
from hookline.observability.advice import Advice, Setting
from hookline.observability.metrics.points import RunCost
from hookline.observability.style import Style
from hookline.observability.summary import render, render_abandoned

AT = dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.timezone.utc)
RUN = Run("0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f", "retail.silver", AT, environment="dev")
HOSTILE = "\x1b[31mred\x1b[2J\r\n\u202etxt\u2028" + "x" * 10_000 + "/\x9b1mend\x07"


def write(name: str = "/lake/silver/sales", number: int = 1, **fields: Any) -> Write:
    given: dict[str, Any] = {"operation": "append", "rows": 1200, "bytes": 4096, "published": True, **fields}
    return Write(f"{RUN.run_id}/{number}", Dataset("file", name), started_at=AT, **given)


def ended(*writes: Write, **fields: Any) -> RunEnded:
    given: dict[str, Any] = {"status": "finished", "duration_s": 20.0, "overhead_s": 0.5, **fields}
    given.setdefault("writes_total", len(writes))
    return RunEnded(finished_at=AT, writes=writes, **given)


def lines(*args: Any, **options: Any) -> list[str]:
    return render(RUN, *args, **options).splitlines()


def row(text: list[str], start: str) -> list[str]:
    return re.split(r" {2,}", next(line for line in text if line.startswith(start)).strip())


def test_head_names_the_run_and_its_cost() -> None:
    text = lines(ended(exit_code=0))
    assert re.fullmatch("── hookline ─ retail.silver ─+ ✔ finished ──", text[0])
    assert text[1] == "run   0d3c1b2a-5f6e-4d7c-8b9a-0a1b2c3d4e5f (dev)"
    assert text[2] == "took  20.0 s, of it hookline 0.50 s (2.5 %)"
    assert "nothing was written" in text


def test_a_failed_run_says_its_exit_code_and_error() -> None:
    text = lines(ended(status="failed", exit_code=7, error=ErrorInfo("AnalysisException", "PATH_NOT_FOUND")))
    assert "✘ failed" in text[0]
    assert text[2].endswith(", exit code 7")
    assert "✘ the job raised AnalysisException [PATH_NOT_FOUND]" in text


def test_a_run_without_duration_has_no_share() -> None:
    assert "took  0.00 s, of it hookline 0.50 s" in lines(ended(duration_s=0.0))


def test_each_write_is_a_row() -> None:
    passed = Verdict("a", "error", "passed")
    failed = Verdict("b", "warn", "failed")
    text = lines(
        ended(
            write(rows=1_469_307, bytes=32_715_000, way="vectorised", verdicts=(passed, passed, failed)),
            write("/lake/other", 2, operation="merge", rows=None, bytes=None),
        ),
        width=100,
    )
    assert row(text, "wrote") == ["wrote", "operation", "rows", "size", "way", "checks"]
    assert row(text, "/lake/silver/sales") == [
        "/lake/silver/sales", "append", "1,469,307", "31.2 MiB", "vectorised", "✘ 1", "✔ 2"
    ]  # fmt: skip
    assert row(text, "/lake/other") == ["/lake/other", "merge", "–", "–", "–", "–"]  # noqa: RUF001


def test_the_writes_of_a_stream_are_one_row() -> None:
    batches = [write(number=n, batch_id=n, rows=10 if n else None, way="proof" if n else "spark") for n in range(50)]
    text = lines(ended(*batches), width=100)
    found = [line for line in text if "silver/sales" in line]
    assert len(found) == 1
    assert row(text, "/lake")[:3] == ["/lake/silver/sales ×50", "append", "490+"]  # noqa: RUF001
    assert "spark" in found[0]


def test_reads_are_listed_and_many_are_counted() -> None:
    reads = tuple(Read(Dataset("file", f"/in/{number}")) for number in range(30))
    text = lines(ended(reads=reads))
    assert "read  /in/0" in text
    assert "      /in/7" in text
    assert "      … and 22 more" in text
    assert "/in/8" not in "\n".join(text)


def test_a_failed_check_is_spelt_out() -> None:
    verdict = Verdict("price_positive", "critical", "failed", 17, 17, "price at least 0", way="proof")
    text = lines(
        ended(write(error=ErrorInfo("hookline.core.errors.WriteRefusedError"), published=False, verdicts=(verdict,)))
    )
    at = text.index("✘ price_positive on /lake/silver/sales (critical, refuses the write)")
    assert text[at - 1] == "✘ /lake/silver/sales: refused, nothing was published"
    assert text[at + 1 : at + 3] == ["    expected price at least 0", "    observed 17 rows fail"]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict("mean", "warn", "failed", 3.5, None, "mean 1 to 2"), "observed 3.5"),
        (Verdict("one", "warn", "failed", 0.2, 1), "observed 0.2, 1 row fails"),
        (Verdict("lost", "warn", "error", message="no column x"), "because  no column x"),
        (Verdict("late", "warn", "skipped", message="deadline"), "because  deadline"),
    ],
)
def test_what_a_check_says(verdict: Verdict, expected: str) -> None:
    assert f"    {expected}" in lines(ended(write(verdicts=(verdict,))))


def test_a_required_check_without_an_answer_refuses() -> None:
    verdict = Verdict("lost", "error", "error", required=True)
    assert "! lost on /lake/silver/sales (error, no answer, refuses the write)" in lines(
        ended(write(verdicts=(verdict,)))
    )


def test_passed_checks_are_spelt_out_on_request() -> None:
    run_ended = ended(write(verdicts=(Verdict("fine", "error", "passed", 0, 0, "unique"),)))
    assert "✔ fine on /lake/silver/sales" not in lines(run_ended)
    assert "✔ fine on /lake/silver/sales" in lines(run_ended, verdicts="all")


def test_refusing_checks_come_first_and_many_are_counted() -> None:
    verdicts = [Verdict(f"c{number}", "warn", "failed") for number in range(40)]
    verdicts.append(Verdict("gate", "critical", "failed"))
    text = lines(ended(write(verdicts=tuple(verdicts))))
    told = [line for line in text if line.startswith("✘")]
    assert told[0].startswith("✘ gate")
    assert len(told) == 20
    assert f"· 21 more checks: hookline runs {RUN.run_id[:8]} --json shows all" in text


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"error": ErrorInfo("hookline.core.errors.WriteRefusedError")}, "refused, the data is visible to readers"),
        (
            {"error": ErrorInfo("SparkException", "X"), "published": False},
            "failed with SparkException [X], nothing was published",
        ),
    ],
)
def test_what_became_of_a_failed_write(fields: dict[str, Any], outcome: str) -> None:
    assert f"/lake/silver/sales: {outcome}" in " ".join(lines(ended(write(**fields)), width=120))


def test_plugins_unseen_writes_and_notes() -> None:
    plugins = (
        PluginReport("quiet"),
        PluginReport("slack", 3, {"on_write_finished": 3}, "on_write_finished raised TimeoutError (slack.py:31)"),
        PluginReport("shy", 1),
    )
    text = lines(
        ended(
            write(intercepted=False), plugins=plugins, unseen_writes=1, writes_total=4, notes=("the store is locked",)
        ),
        width=100,
    )
    assert "! plugin slack failed 3 times; last: on_write_finished raised TimeoutError (slack.py:31)" in text
    assert "! plugin shy failed once" in text
    assert not any("quiet" in line for line in text)
    assert "* 1 of 4 writes only the listener saw, when they were done: no check stopped them" in text
    assert "· the store is locked" in text
    assert row(text, "/lake")[0] == "/lake/silver/sales *"
    assert f"… and 3 earlier writes: hookline runs {RUN.run_id[:8]} --json shows all" in text


def test_troubled_writes_are_never_among_the_hidden() -> None:
    writes = [write(f"/lake/t{number}", number) for number in range(100)]
    writes[97] = dataclasses.replace(writes[97], error=ErrorInfo("SparkException"))
    text = lines(ended(*writes))
    assert any(line.startswith("/lake/t97 ") for line in text)
    assert not any(line.startswith("/lake/t98 ") for line in text)
    assert "… and 70 more" in text


def everything(name: str) -> RunEnded:
    verdicts = (
        Verdict(name, "critical", "failed", name, 3, name, message=name),
        Verdict("x", "warn", "error", message=name),
    )
    return ended(
        write(name, verdicts=verdicts, error=ErrorInfo("SparkException", name)),
        write(name + "2", 2, intercepted=False, rows=10**15, bytes=10**18),
        status="failed",
        reads=(Read(Dataset("s3://" + name, name)),),
        plugins=(PluginReport(name, 2, {}, name),),
        notes=(name,),
        unseen_writes=1,
        error=ErrorInfo("E", name),
    )


@pytest.mark.parametrize("name", [HOSTILE, "データ/" * 40, "é" * 300, "/a/b c/" * 60, "", "/"])
@pytest.mark.parametrize("width", [1, 40, 41, 57, 80, 120, 160])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_terminal_or_has_control_characters(name: str, width: int, unicode: bool) -> None:
    run = dataclasses.replace(RUN, job=name, environment=name, run_id=name)
    style = Style(unicode=unicode)
    text = render(run, everything(name), width=width, style=style, verdicts="all")
    text += render_abandoned(run, width=width, style=style)
    assert all(line.isprintable() for line in text.split("\n"))
    assert max(display_width(line) for line in text.split("\n")) <= max(width, 40)
    assert len(text) < 20_000


def test_colour_changes_nothing_else() -> None:
    plain = render(RUN, everything("/lake/x"), width=100)
    colored = render(RUN, everything("/lake/x"), width=100, style=Style(color=True))
    assert "\x1b[31m" in colored
    assert re.sub("\x1b\\[[0-9]+m", "", colored) == plain


def test_ascii_has_words_for_signs() -> None:
    text = render(
        RUN,
        ended(write(verdicts=(Verdict("a", "warn", "failed"), Verdict("b", "warn", "passed")))),
        style=Style(unicode=False),
    )
    assert text.isascii()
    assert "1 FAILED  1 ok" in text


def test_an_abandoned_run_is_one_sentence() -> None:
    assert render_abandoned(RUN, width=120) == (
        "hookline: an earlier run of retail.silver, started 2026-05-04 03:02:01 UTC, died: now abandoned\n"
    )


# -- advice and cost ---------------------------------------------------------------------------------------------------


def advised(name: str = "/lake/silver/sales", **fields: Any) -> Advice:
    settings = (Setting("spark.sql.shuffle.partitions", "fewer", "200"), Setting("coalesce", "before the write"))
    return Advice("small_partitions", "stage 3 cut its work into 200 tasks", {"tasks": 200}, settings, name, **fields)


def test_the_most_worthwhile_advice_and_the_cost_are_told() -> None:
    cost = RunCost(0.4444, "USD", "glue us-east-1", "1.01 DPU h * 0.44")
    text = lines(ended(write()), advice=[advised(times=3), *[advised(f"/other{n}") for n in range(4)]], cost=cost)
    assert text[3] == "cost  0.4444 USD (1.01 DPU h * 0.44)"
    assert "stage 3 cut its work into 200 tasks (in 3 writes)" in " ".join(text)
    assert "    change   spark.sql.shuffle.partitions (now 200): fewer" in text
    assert sum("stage 3 cut" in line for line in text) == 3


@pytest.mark.parametrize("width", [40, 80])
def test_advice_about_any_name_fits_the_terminal(width: int) -> None:
    for line in lines(ended(write()), advice=[advised(HOSTILE)], width=width):
        assert display_width(line) <= width
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028]", line)
