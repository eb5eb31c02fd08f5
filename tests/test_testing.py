"""The bus that plugins are tested with ends a write as a run would."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hookline.core.errors import WriteRefusedError
from hookline.core.events import Denial, Measure, Measured, Verdict, Write
from hookline.testing import BusUnderTest, RecordingPlugin, sample_write

NULLS = Measure.nulls("order_id")


def calls(plugin: RecordingPlugin) -> Mapping[str, Write]:
    return dict(plugin.calls)


def test_a_write_that_a_verdict_refuses_fails(hookline_bus: BusUnderTest) -> None:
    verdict = Verdict("no_nulls", "critical", "failed", 2)
    plugin = RecordingPlugin.answering(measure_write=[NULLS], judge_write=[verdict])
    hookline_bus.use(plugin)
    told = hookline_bus.write(sample_write(), {NULLS: Measured(2, "proof")})
    assert [one.check for one in told] == ["no_nulls"]
    assert "on_write_finished" not in calls(plugin)
    failed = calls(plugin)["on_write_failed"]
    assert (failed.published, failed.verdicts) == (False, told)
    assert failed.error is not None
    assert failed.error.type == "hookline.core.errors.WriteRefusedError"


def test_a_write_that_is_done_says_what_was_measured(hookline_bus: BusUnderTest) -> None:
    plugin = RecordingPlugin.answering(
        measure_write=[NULLS], judge_write=[Verdict("no_nulls", "critical", "passed", 0)]
    )
    hookline_bus.use(plugin)
    hookline_bus.write()
    assert "on_write_failed" not in calls(plugin)
    assert dict(calls(plugin)["on_write_finished"].measured) == {NULLS: Measured(0, "vectorised")}


def test_a_denial_is_raised(hookline_bus: BusUnderTest) -> None:
    hookline_bus.use(RecordingPlugin.answering(authorize_write=Denial("closed on Sundays")))
    with pytest.raises(WriteRefusedError, match="closed on Sundays"):
        hookline_bus.write()
