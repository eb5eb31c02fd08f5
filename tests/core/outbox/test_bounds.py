"""Disk and memory stay within their bounds."""

from __future__ import annotations

import sqlite3

import psutil

from hookline.core.errors import SinkError


def refuse_all(message):
    raise SinkError("dead")


def test_fifty_thousand_messages_pass_without_being_held_in_memory(make_outbox, scripted):
    outbox, sink = make_outbox(), scripted(batch_size=500)
    process = psutil.Process()
    before = process.memory_info().rss
    for number in range(50_000):
        outbox.put("s", {"text": "x" * 1000}, id=str(number))
    outbox.register("s", sink)
    outbox.start()
    assert outbox.flush(60) == 0
    assert sink.ids == [str(number) for number in range(50_000)]
    # The messages are 50 MB; the ids that the test's own sink keeps are 5.
    assert process.memory_info().rss - before < 25_000_000


def test_a_full_outbox_refuses_new_messages_and_says_so(make_outbox, scripted):
    outbox = make_outbox(max_bytes=1_000_000)
    outbox.register("s", scripted(refuse_all))
    for number in range(5_000):
        outbox.put("s", {"text": "x" * 400}, id=str(number))
    (status,) = outbox.status()
    assert status.pending + status.refused == 5_000
    assert status.refused > 2_000
    assert status.pending > 1_000
    assert outbox._database.path.stat().st_size < 1_500_000
    assert any("refused, since the outbox is full" in sentence for sentence in outbox.problems())


def test_delivered_ids_make_room_and_messages_that_wait_never_do(make_outbox, scripted):
    outbox, sink = make_outbox(max_bytes=400_000), scripted(batch_size=100)
    outbox.put("waits", {}, id="waits")
    outbox.register("s", sink)
    outbox.start()
    for number in range(6_000):
        outbox.put("s", {"text": "x" * 200}, id=str(number))
        if number % 200 == 0:
            assert outbox.flush(20) == 0
    assert outbox.flush(20) == 0
    assert len(sink.ids) == 6_000
    statuses = {status.name: status for status in outbox.status()}
    assert (statuses["s"].refused, statuses["waits"].pending) == (0, 1)


def test_old_ids_are_forgotten(make_outbox, scripted, tmp_path):
    outbox, sink = make_outbox(retention_s=0.0), scripted()
    outbox.register("s", sink)
    outbox.put("s", {}, id="1")
    outbox.put("other", {}, id="2")
    outbox.start()
    assert outbox.flush(10) == 0
    outbox.close(1)
    again = make_outbox(retention_s=0.0)
    again.start()
    again.close(1)
    connection = sqlite3.connect(tmp_path / "state" / "outbox.db")
    assert connection.execute("SELECT id FROM messages").fetchall() == [("2",)]
    connection.close()


def test_the_log_does_not_grow_without_end(make_outbox, scripted, tmp_path):
    outbox, sink = make_outbox(), scripted(batch_size=500)
    outbox.register("s", sink)
    outbox.start()
    log = tmp_path / "state" / "outbox.db-wal"
    sizes_bytes = []
    for _ in range(50):
        for _ in range(200):
            outbox.put("s", {"text": "x" * 1000})
        sizes_bytes.append(log.stat().st_size)
    assert outbox.flush(20) == 0
    assert outbox.durable_sync()
    # These puts write more than 200 MB to the log.
    assert max(sizes_bytes) < 40_000_000
