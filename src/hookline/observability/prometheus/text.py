"""The text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from __future__ import annotations

from collections.abc import Iterator

from hookline.observability.prometheus.totals import Totals

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(totals: Totals) -> bytes:
    """Everything in totals, in the order of names; what is in a label can't end a line or open another label."""
    return "".join(_lines(totals)).encode("utf-8", "replace")


def _lines(totals: Totals) -> Iterator[str]:
    for family, samples in sorted(totals.samples().items()):
        told = family.help.replace("\\", "\\\\").replace("\n", "\\n")
        yield f"# HELP {family.name} {told}\n# TYPE {family.name} {family.type}\n"
        for suffix, own, value in samples:
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in own)
            yield f"{family.name}{suffix}{{{inside}}} {_number(value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
