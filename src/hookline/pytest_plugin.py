"""The pytest plugin: the fixture ``hookline_bus``. Loaded by pytest itself, so it imports nothing before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hookline.testing import BusUnderTest


@pytest.fixture
def hookline_bus(tmp_path: Path) -> Iterator[BusUnderTest]:
    """A bus with a real outbox in the test's own folder; see ``hookline.testing.BusUnderTest``."""
    from hookline.testing import BusUnderTest

    bus = BusUnderTest(tmp_path)
    yield bus
    bus.close()
