"""The sample of values: the same whatever the order, and whatever parts it is put together from."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from hookline.governance.pii.smallest import Smallest, digest_of


def drawn(values: list[str], most: int) -> dict[str, int]:
    own = Smallest(most)
    for start in range(0, len(values), 7):
        counted = Counter(values[start : start + 7])
        own.add(list(counted), list(counted.values()))
    own.cut()
    return own.counts


@pytest.mark.parametrize("most", [1, 3, 40, 1_000])
@pytest.mark.parametrize("seed", range(5))
def test_it_has_the_smallest_digests_with_all_their_rows(most: int, seed: int) -> None:
    chance = random.Random(seed)
    values = [f"v{chance.randrange(200)}" for _ in range(2_000)]
    counted = Counter(values)
    assert drawn(values, most) == {value: counted[value] for value in sorted(counted, key=digest_of)[:most]}


def test_samples_of_parts_have_all_that_the_sample_of_the_whole_has() -> None:
    chance = random.Random(9)
    values = [f"v{chance.randrange(500)}" for _ in range(3_000)]
    parts: Counter[str] = Counter()
    for part in range(4):
        parts.update(drawn(values[part::4], 50))
    whole = drawn(values, 50)
    assert {value: parts[value] for value in sorted(parts, key=digest_of)[:50]} == whole


def test_any_text_has_a_digest_that_spark_can_hold() -> None:
    for text in ("", "\ud800", "x" * 100_000, "Zoë"):
        assert -(2**63) <= digest_of(text) < 2**63
    assert digest_of("a") != digest_of("b")
