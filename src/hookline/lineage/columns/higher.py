"""Functions of collections: what the variables of their lambdas stand for, and what they make of the bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hookline.lineage.columns.model import Expression, Lambda
from hookline.lineage.columns.values import (
    CONSTANT,
    TRANSFORMATION,
    Value,
    decided_by,
    part_of,
    put_together,
    stepped,
    united,
)

_TURNS = 5
# The value of a lambda's body when its variables stand for these.
Apply = Callable[[Lambda, Sequence[Value]], Value]


def higher(node: Expression, children: Sequence[Value], apply: Apply) -> Value:
    """What the function's result is made from."""
    elements = [stepped(child, TRANSFORMATION, shaped=True) for child in children]
    first = elements[0] if elements else CONSTANT
    if node.higher == "fold":
        everything = united(elements)
        bodies = [apply(function, [everything] * len(function.variables)) for function in node.lambdas]
        return stepped(united([*bodies, *elements]), TRANSFORMATION)
    if node.higher == "aggregate":
        return _aggregated(node.lambdas, children[1], first, apply)
    if node.higher in ("map_filter", "map_keys", "map_values", "map_zip"):
        return _of_maps(node, children, apply)
    # The second variable of transform and filter is a position; those of zip_with and of a comparison are elements.
    variables = elements if node.higher == "zip" else [first, first] if node.higher == "filter" else [first]
    bodies = [apply(function, variables) for function in node.lambdas]
    if node.higher == "filter":
        return decided_by(first, bodies, "CONDITIONAL")
    made = stepped(united(bodies), TRANSFORMATION, shaped=node.higher != "test")
    return made if made.direct or made.indirect else stepped(first, TRANSFORMATION)


def _aggregated(functions: Sequence[Lambda], start: Value, element: Value, apply: Apply) -> Value:
    """From the start, element by element, until nothing new is found; then the function that finishes."""
    merge, *finish = functions
    found = start
    for _ in range(_TURNS):
        before, found = found, united([found, apply(merge, [found, element])])
        if (found.direct, found.indirect) == (before.direct, before.indirect):
            break
    for function in finish:
        found = apply(function, [found])
    made = stepped(found, TRANSFORMATION)
    return made if made.direct or made.indirect else stepped(element, TRANSFORMATION)


def _of_maps(node: Expression, maps: Sequence[Value], apply: Apply) -> Value:
    keys = [part_of(one, "key", step=TRANSFORMATION) for one in maps]
    values = [part_of(one, "value", step=TRANSFORMATION) for one in maps]
    several = [united(keys), *values]
    body = united(apply(function, several) for function in node.lambdas)
    if node.higher == "map_filter":
        return decided_by(stepped(maps[0], TRANSFORMATION, shaped=True), [body], "CONDITIONAL")
    made = stepped(body, TRANSFORMATION, shaped=True)
    if node.higher == "map_keys":
        return put_together({"key": made, "value": part_of(maps[0], "value")})
    return put_together({"key": united(part_of(one, "key") for one in maps), "value": made})
