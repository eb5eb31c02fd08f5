"""Durable at-least-once delivery: plugins put, background threads deliver, a dead back end costs disk only."""

from __future__ import annotations

from hookline.core.outbox.box import Outbox
from hookline.core.outbox.message import Message, Sink, SinkStatus

__all__ = ["Message", "Outbox", "Sink", "SinkStatus"]
