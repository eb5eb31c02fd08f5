"""What is delivered, how often, and in which order."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter

import pytest

from hookline.core.errors import OutboxError, SinkError


def test_a_message_arrives_as_it_was_put(outbox, scripted):
    seen = []
    outbox.register("s", scripted(seen.append))
    payload = {"text": "grüße 😀 \ud800", "number": 1.5, "nothing": None, "list": [1, {"a": True}]}
    id = outbox.put("s", payload, kind="greeting", order_key="k")
    outbox.start()
    assert outbox.flush(10) == 0
    assert (seen[0].id, seen[0].sink, seen[0].kind, seen[0].order_key, seen[0].attempts) == (
        id,
        "s",
        "greeting",
        "k",
        0,
    )
    assert seen[0].payload == payload
    assert seen[0].created_at.utcoffset() == dt.timedelta(0)


def test_the_same_id_is_delivered_once_per_sink_even_after_delivery(outbox, scripted):
    first, second = scripted(), scripted()
    outbox.register("first", first)
    outbox.register("second", second)
    outbox.start()
    for _ in range(2):
        for name in ("first", "second"):
            for _ in range(3):
                assert outbox.put(name, {}, id="same") == "same"
        assert outbox.flush(10) == 0
    assert (first.ids, second.ids) == (["same"], ["same"])


def test_messages_of_many_threads_all_arrive_in_each_threads_order(outbox, scripted):
    sink = scripted(batch_size=50)
    outbox.register("s", sink)
    outbox.start()

    def work(name: int) -> None:
        for number in range(100):
            outbox.put("s", {}, id=f"{name}/{number}", order_key=str(name))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.flush(20) == 0
    for name in range(6):
        assert [id for id in sink.ids if id.startswith(f"{name}/")] == [f"{name}/{n}" for n in range(100)]
    assert len(sink.ids) == 600


def test_a_failing_message_holds_back_its_own_order_key_only(outbox, scripted):
    broken = {"a0"}

    def refuse(message):
        if message.id in broken:
            raise SinkError("not this one")

    sink = scripted(refuse)
    outbox.register("s", sink)
    for number in range(5):
        for key in "abc":
            outbox.put("s", {}, id=f"{key}{number}", order_key=key)
        outbox.put("s", {}, id=f"free{number}")
    outbox.start()
    outbox.flush(1.0)
    assert sorted(sink.ids) == sorted([f"{k}{n}" for k in "bc" for n in range(5)] + [f"free{n}" for n in range(5)])
    broken.clear()
    assert outbox.flush(10) == 0
    for key in "abc":
        assert [id for id in sink.ids if id.startswith(key)] == [f"{key}{n}" for n in range(5)]
    assert set(Counter(sink.ids).values()) == {1}


def test_a_message_that_is_refused_for_good_is_kept_apart_with_the_reason(outbox, scripted):
    def refuse(message):
        if message.id == "bad":
            raise SinkError("field 'x' is missing", retryable=False)

    sink = scripted(refuse)
    outbox.register("s", sink)
    for id in ("1", "bad", "2"):
        outbox.put("s", {"secret": "hunter2"}, id=id, order_key="k")
    outbox.start()
    assert outbox.flush(10) == 0
    assert sink.ids == ["1", "2"]
    (status,) = outbox.status()
    assert (status.dead, status.pending, status.last_error) == (1, 0, "field 'x' is missing")
    assert any("1 message rejected by 's'" in sentence for sentence in outbox.problems())

    sink.refuse = lambda message: None
    assert outbox.replay(deadline_s=10) == 0
    assert sink.ids == ["1", "2"]
    assert outbox.replay(deadline_s=10, dead=True) == 0
    assert sink.ids == ["1", "2", "bad"]


@pytest.mark.parametrize("failure", [SystemExit(3), KeyboardInterrupt(), ValueError("hunter2"), MemoryError()])
def test_any_exception_of_a_sink_is_tried_again_and_its_text_is_not_kept(outbox, scripted, failure):
    failures = [failure] * 3

    def refuse(message):
        if failures:
            raise failures.pop()

    sink, other = scripted(refuse), scripted()
    outbox.register("s", sink)
    outbox.register("other", other)
    outbox.put("s", {}, id="1")
    outbox.put("other", {}, id="2")
    outbox.start()
    assert outbox.flush(10) == 0
    assert (sink.ids, other.ids) == (["1"], ["2"])
    status = next(status for status in outbox.status() if status.name == "s")
    assert (status.failures, status.last_error) == (3, type(failure).__name__)


def test_a_back_end_that_asks_for_a_pause_is_not_asked_again_before(outbox, scripted):
    calls = []

    def refuse(message):
        calls.append(message.id)
        raise SinkError("too many requests", retry_after_s=600)

    outbox.register("s", scripted(refuse))
    for number in range(50):
        outbox.put("s", {}, id=str(number))
    outbox.start()
    outbox.flush(1.0)
    # A batch, and then two messages alone, which tell a tired back end from one bad message.
    assert len(calls) <= 4
    assert outbox.status()[0].pending == 50


def test_flush_does_not_wait_for_what_cannot_come(outbox, scripted, monkeypatch):
    def refuse(message):
        raise SinkError("dead", retry_after_s=600)

    outbox.register("s", scripted(refuse))
    outbox.put("s", {}, id="1")
    outbox.start()
    returned = threading.Event()
    threading.Thread(target=lambda: (outbox.flush(300), returned.set()), daemon=True).start()
    assert returned.wait(30)


def test_a_sink_that_hangs_stops_neither_other_sinks_nor_close(make_outbox, scripted, hanging):
    outbox, other = make_outbox(), scripted()
    outbox.register("hangs", hanging)
    outbox.register("other", other)
    outbox.start()
    outbox.put("hangs", {}, id="1")
    assert hanging.entered.wait(10)
    outbox.put("other", {}, id="2")
    assert outbox.flush(0.5) == 1
    assert other.ids == ["2"]
    assert next(status for status in outbox.status() if status.name == "hangs").in_flight_s is not None
    closed = threading.Event()
    threading.Thread(target=lambda: (outbox.close(0.5), closed.set()), daemon=True).start()
    assert closed.wait(30)


def test_a_sink_that_is_dead_for_the_whole_life_is_served_by_the_next_process(make_outbox, scripted):
    def refuse(message):
        raise SinkError("connection refused")

    outbox = make_outbox()
    outbox.register("s", scripted(refuse))
    outbox.start()
    for number in range(30):
        outbox.put("s", {}, id=str(number), order_key="k")
    assert outbox.close(0.3) == 30
    assert any("30 messages for 's' not delivered yet" in sentence for sentence in outbox.problems())

    later, sink = make_outbox(), scripted()
    later.register("s", sink)
    assert later.replay(deadline_s=10) == 0
    assert sink.ids == [str(number) for number in range(30)]
    assert later.problems() == ()


def test_messages_for_an_unknown_sink_stay_until_it_is_registered(outbox, scripted):
    outbox.put("later", {}, id="1")
    outbox.start()
    assert outbox.flush(5) == 0
    (status,) = outbox.status()
    assert (status.name, status.registered, status.pending) == ("later", False, 1)
    assert outbox.problems() == ("1 message waiting for 'later', which is not loaded",)
    sink = scripted()
    outbox.register("later", sink)
    assert outbox.flush(10) == 0
    assert sink.ids == ["1"]


def test_two_sinks_of_one_name_are_an_error(outbox, scripted):
    sink = scripted()
    outbox.register("s", sink)
    outbox.register("s", sink)
    with pytest.raises(OutboxError, match="two sinks are called 's'"):
        outbox.register("s", scripted())


def test_a_payload_that_is_no_json_is_named_without_its_values(outbox):
    endless: dict[str, object] = {"secret": "hunter2"}
    endless["self"] = endless
    with pytest.raises(OutboxError, match="sink 's'") as caught:
        outbox.put("s", endless)
    assert "hunter2" not in str(caught.value)


def test_ids_and_keys_may_be_any_text(outbox, scripted):
    sink = scripted()
    outbox.register("s\ud800'; DROP TABLE messages; --", sink)
    for text in ("\0", "\udcff", "😀" * 500, "'; DROP TABLE messages; --"):
        outbox.put("s\ud800'; DROP TABLE messages; --", {}, id=text, order_key=text)
    outbox.start()
    assert outbox.flush(10) == 0
    assert len(sink.ids) == 4


def test_a_closed_outbox_keeps_what_is_put_late(make_outbox, scripted):
    outbox = make_outbox()
    outbox.start()
    outbox.close(1)
    outbox.put("s", {}, id="late")
    later, sink = make_outbox(), scripted()
    later.register("s", sink)
    assert later.replay(deadline_s=10) == 0
    assert sink.ids == ["late"]


def test_what_was_put_a_moment_ago_is_no_problem_and_what_waits_for_a_failing_sink_is(make_outbox, scripted):
    outbox = make_outbox()
    outbox.register("quiet", scripted(), linger_s=60.0)
    outbox.start()
    outbox.put("quiet", {}, id="1")
    assert outbox.problems() == ()
    assert outbox.flush(10) == 0

    def refuse(message):
        raise SinkError("connection refused")

    outbox.register("dead", scripted(refuse))
    outbox.put("dead", {}, id="1")
    assert outbox.flush(1.0) == 1
    assert any("1 message for 'dead' not delivered yet" in sentence for sentence in outbox.problems())
