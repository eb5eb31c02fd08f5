"""The collector rests while much is made that stays, and is left as it was found."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from hookline.core.collector import paused


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_it_is_left_as_it_was_found(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with paused():
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_an_error_leaves_it_as_it_was_too() -> None:
    gc.enable()
    with pytest.raises(ValueError, match="so it is"), paused():
        raise ValueError("so it is")
    assert gc.isenabled()
