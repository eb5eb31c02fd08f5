"""How a sink's pace follows its failures."""

from __future__ import annotations

import pytest

from hookline.core.outbox.pace import Pace


@pytest.fixture
def pace():
    return Pace(base_s=1.0, cap_s=60.0, largest=100)


def test_the_wait_is_drawn_from_a_range_that_doubles_up_to_the_cap(pace):
    for failures, limit_s in ((1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (5_000, 60.0)):
        drawn = [pace.jitter_s(failures) for _ in range(500)]
        assert max(drawn) <= limit_s
        assert min(drawn) < limit_s * 0.1
        assert max(drawn) > limit_s * 0.9


def test_batches_shrink_to_one_after_a_failure_and_double_again(pace):
    pace.batch_failed()
    sizes = [pace.window]
    for _ in range(8):
        pace.succeeded()
        sizes.append(pace.window)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 100, 100]


def test_one_bad_message_does_not_slow_the_others_down(pace):
    for attempts in range(50):
        pace.message_failed("bad", attempts, None)
        assert pace.pause_s <= 1.0


def test_the_back_ends_wish_binds_the_message_at_once_and_the_sink_after_a_second_one(pace):
    assert pace.message_failed("a", 0, 300.0) == 300.0
    assert pace.pause_s <= 1.0
    assert pace.message_failed("b", 0, 300.0) == 300.0
    assert 290.0 < pace.pause_s <= 300.0
    pace.succeeded()
    assert pace.pause_s == 0.0


def test_an_absurd_wish_is_cut(pace):
    assert pace.message_failed("a", 0, 10.0**12) == 3600.0
    assert pace.message_failed("a", 0, -5.0) > 0.0
