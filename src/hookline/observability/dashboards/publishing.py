"""What ``hookline dashboards`` builds, compares and pushes, the same for each back end."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Item:
    """One thing of a back end's: a dashboard, an alarm, a monitor.

    Attributes:
        kind: what it is, in words.
        name: what it is found by there.
        file: the name of its file, without a folder.
        body: as its API takes it.
    """

    kind: str
    name: str
    file: str
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The body as JSON, with keys in their order."""
        return json.dumps(self.body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


class Publisher(Protocol):
    """A back end that dashboards are pushed to.

    Attributes:
        name: the plugin's.
    """

    name: str

    def items(self) -> Sequence[Item]:
        """What there is to be.

        Raises:
            HooklineError: the configuration does not say enough, or a body is not valid.
        """

    def terraform(self) -> str:
        """The same as Terraform's language has it."""

    def current(self, item: Item) -> Mapping[str, Any] | None:
        """What the back end has of it, with the keys that ``Item.body`` has; None when it has nothing.

        Raises:
            SinkError: it does not tell.
        """

    def push(self, item: Item) -> None:
        """Make it so.

        Raises:
            SinkError: it was not done.
        """


def differences(publisher: Publisher) -> Iterator[tuple[Item, list[str]]]:
    """Each item that the back end has otherwise, or not at all, with the lines of a unified diff."""
    for item in publisher.items():
        there = publisher.current(item)
        now = "" if there is None else json.dumps(there, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        lines = list(
            difflib.unified_diff(
                now.splitlines(),
                item.text.splitlines(),
                f"{item.file} (there)",
                f"{item.file} (here)",
                lineterm="",
                n=2,
            )
        )
        if lines:
            yield item, lines


def like(there: Any, here: Any) -> Any:
    """What is there, without what here does not say: back ends add their own defaults, ids and times."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        return {key: like(there[key], here[key]) for key in here if key in there}
    if isinstance(there, list) and isinstance(here, (list, tuple)) and len(there) == len(here):
        return [like(one, other) for one, other in zip(there, here, strict=True)]
    if isinstance(there, (int, float)) and isinstance(here, (int, float)) and there == here:
        return here
    return there
