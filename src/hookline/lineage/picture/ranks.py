"""Which column of the picture each table stands in: everything to the right of what it was made from.

The longest way from a source decides, and layers stand one after the other. An edge that would lead back, in a cycle or
from a later layer to an earlier one, has no say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hookline.lineage.picture.scene import LAYER_ORDER

Pairs = Iterable[tuple[int, int]]


def rank(layers: Sequence[str], pairs: Pairs) -> list[int]:
    """A column for each table, from 0, none of them empty.

    Args:
        layers: of each table, empty when none is known.
        pairs: (source, target), each once.
    """
    places = [LAYER_ORDER.index(layer) if layer in LAYER_ORDER else None for layer in layers]
    after: dict[int, list[int]] = {number: [] for number in range(len(layers))}
    for source, target in pairs:
        after[source].append(target)
    _without_steps_back(after, places)
    ordered = _without_cycles(after)
    _without_ways_back(after, ordered, places)
    ranks = _longest(ordered, after, [0] * len(layers))
    for place in sorted({place for place in places if place is not None})[1:]:
        before = [ranks[number] for number, own in enumerate(places) if own is not None and own < place]
        least = [max(before) + 1 if own is not None and own >= place else 0 for own in places]
        ranks = _longest(ordered, after, [max(pair) for pair in zip(ranks, least, strict=True)])
    return _packed(_drawn_near(ranks, after, places))


def _without_steps_back(after: dict[int, list[int]], places: Sequence[int | None]) -> None:
    """Take out the edges from a layer to an earlier one."""
    for node, further in after.items():
        own = places[node]
        if own is not None:
            after[node] = [one for one in further if own <= (own if (place := places[one]) is None else place)]


def _without_ways_back(after: dict[int, list[int]], ordered: list[int], places: Sequence[int | None]) -> None:
    """Take out the edges that end a way from a layer, over tables without one, to an earlier layer."""
    reached = [-1 if place is None else place for place in places]
    for node in ordered:
        after[node] = [one for one in after[node] if places[one] is None or reached[node] <= reached[one]]
        for one in after[node]:
            reached[one] = max(reached[one], reached[node])


def _without_cycles(after: dict[int, list[int]]) -> list[int]:
    """Take out the edges that lead back, and give the tables in an order in which all others lead on."""
    done: set[int] = set()
    way: set[int] = set()
    ended: list[int] = []
    for root in after:
        waiting = [] if root in done else [(root, iter(list(after[root])))]
        way.update(node for node, _ in waiting)
        while waiting:
            node, further = waiting[-1]
            for one in further:
                if one in way:
                    after[node].remove(one)
                elif one not in done:
                    waiting.append((one, iter(list(after[one]))))
                    way.add(one)
                    break
            else:
                waiting.pop()
                way.discard(node)
                done.add(node)
                ended.append(node)
    return ended[::-1]


def _longest(ordered: list[int], after: Mapping[int, list[int]], least: list[int]) -> list[int]:
    ranks = list(least)
    for node in ordered:
        for one in after[node]:
            ranks[one] = max(ranks[one], ranks[node] + 1)
    return ranks


def _drawn_near(ranks: list[int], after: Mapping[int, list[int]], places: Sequence[int | None]) -> list[int]:
    """A source moves as far to the right as what is made from it, and its layer, let it."""
    targets = {one for further in after.values() for one in further}
    last: dict[int | None, int] = {}
    for rank, place in zip(ranks, places, strict=True):
        last[place] = max(last.get(place, 0), rank)
    drawn = list(ranks)
    for node, further in after.items():
        if node not in targets and further:
            nearest = min(ranks[one] for one in further) - 1
            drawn[node] = max(ranks[node], nearest if places[node] is None else min(nearest, last[places[node]]))
    return drawn


def _packed(ranks: list[int]) -> list[int]:
    used = {rank: place for place, rank in enumerate(sorted(set(ranks)))}
    return [used[rank] for rank in ranks]
