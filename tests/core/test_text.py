"""Names and numbers on a terminal."""

from __future__ import annotations

import pytest

from hookline.core.text import (
    display_width,
    encodable,
    in_units,
    in_words,
    pad,
    printable,
    shorten,
    shorten_path,
    speaks,
    wrap,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ü データ 🎉", "plain ü データ 🎉"),
        ("\x1b[31mred\x07", "?[31mred?"),
        ("a\r\nb\tc\x00\x7f\x9b", "a??b?c???"),
        ("\u202eevil\u2028\u200b\ufeff", "?evil???"),
        ("\ud800 \ue000", "? ?"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_an_endless_name_keeps_both_ends() -> None:
    assert printable("a" * 10_000 + "b", limit=10) == "aaaaa…aaaab"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("データ", 6), ("e\u0301", 1), ("🎉", 2), ("", 0)])
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [("abcdef", 6, "abcdef"), ("abcdefgh", 5, "ab…gh"), ("データベース", 7, "デ…ス"), ("abc", 1, "…"), ("abc", 0, "")],
)
def test_shorten(text: str, width: int, expected: str) -> None:
    assert shorten(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("/srv/lake/silver/sales", 22, "/srv/lake/silver/sales"),
        ("/srv/lake/silver/sales", 21, "…/lake/silver/sales"),
        ("/srv/lake/silver/sales", 9, "…/sales"),
        ("/srv/lake/silver/sales", 4, "sa…s"),
        ("s3://bucket/gold/daily/", 14, "…/gold/daily"),
        ("//////////", 4, "//…/"),
        ("catalog.schema.a_very_long_table_name", 12, "catalo…_name"),
    ],
)
def test_shorten_path(text: str, width: int, expected: str) -> None:
    assert shorten_path(text, width) == expected


@pytest.mark.parametrize("width", range(1, 30))
@pytest.mark.parametrize("text", ["/a/b/c/d/e/f", "データ/ベース/テーブル", "x" * 50, "////", "a b c"])
def test_shortened_names_fit(text: str, width: int) -> None:
    assert display_width(shorten(text, width)) <= width
    assert display_width(shorten_path(text, width)) <= width


def test_pad() -> None:
    assert (pad("デ", 4), pad("7", 3, right=True), pad("long", 2)) == ("デ  ", "  7", "long")


def test_wrap() -> None:
    assert wrap("one two three four", 9, first="- ", further="  ") == ["- one two", "  three", "  four"]
    assert wrap("", 9) == []
    assert wrap("abcdefghij kl", 5) == ["abcde", "fghij", "kl"]
    assert wrap("データ ベース", 5) == ["デー", "タ", "ベー", "ス"]


def test_wrap_ends_with_an_ellipsis() -> None:
    assert wrap("a b c d e f", 3, most=2) == ["a b", "c …"]
    assert wrap("x" * 1_000_000, 10, most=3) == ["x" * 10, "x" * 10, "xxxxxxxx …"]


@pytest.mark.parametrize("width", range(3, 20))
def test_wrapped_lines_fit(width: int) -> None:
    lines = wrap("a データ " * 20 + "y" * 100, width, first="> ", further="", most=8)
    assert max(map(display_width, lines)) <= width
    assert len(lines) <= 8


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "é…✔?"), ("ascii", "?~??"), ("cp1252", "é…??"), (None, "é…✔?"), ("no such encoding", "?~??")],
)
def test_encodable(encoding: str | None, expected: str) -> None:
    assert encodable("é…✔\ud800", encoding) == expected


def test_speaks() -> None:
    assert speaks("utf-8", "✔")
    assert speaks(None, "✔")
    assert not speaks("latin-1", "✔")
    assert not speaks("no such encoding", "✔")


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0, "0.00 s"),
        (-1, "0.00 s"),
        (0.424, "0.42 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3_599.6, "1 h 00 min"),
        (3_725, "1 h 02 min"),
        (4_000_000, "1,111 h 06 min"),
    ],
)
def test_durations(duration_s: float, expected: str) -> None:
    assert in_words(duration_s) == expected


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (32_715_000, "31.2 MiB"),
        (5 * 1024**4, "5.0 TiB"),
        (10**19, "8,881.8 PiB"),
    ],
)
def test_sizes(size_bytes: float, expected: str) -> None:
    assert in_units(size_bytes) == expected
