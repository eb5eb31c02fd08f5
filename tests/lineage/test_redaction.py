"""SQL without its values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline.lineage.redaction import MAX_CHARACTERS, redacted

CASES = [
    ("INSERT INTO t SELECT * FROM x WHERE n = 'Eve' AND a > 42 LIMIT 7",
     "INSERT INTO t SELECT * FROM x WHERE n = ? AND a > ? LIMIT ?"),
    ("DELETE FROM delta.`/lake/x` WHERE id = 5L OR a = 5.1BD OR b = .5",
     "DELETE FROM delta.`/lake/x` WHERE id = ? OR a = ? OR b = .?"),
    ("INSERT INTO t VALUES (1, 'it''s'), (-2, NULL)", "INSERT INTO t VALUES (?, ??), (-?, NULL)"),
    ("UPDATE t SET a = :name, b = ? -- 'Eve'\nWHERE c /* 'Eve */ = 1", "UPDATE t SET a = :name, b = ? WHERE c = ?"),
    ("CREATE TABLE t USING jdbc OPTIONS (password 'hunter2') AS SELECT 1",
     "CREATE TABLE t USING jdbc OPTIONS (password ?) AS SELECT ?"),
    ('SELECT "Eve", X\'1F\', r\'raw\', 1e5D, date\'2020-01-01\'', "SELECT ?, ?, ?, ?, date?"),
    ("SELECT col['Eve'], a:b.c, CAST(x AS DECIMAL(10,2))", "SELECT col[?], a:b.c, CAST(x AS DECIMAL(?,?))"),
    ("INSERT INTO `we'ird``table` SELECT /*+ BROADCAST(x) */ 4917a6 FROM x",
     "INSERT INTO `we'ird``table` SELECT /*+ BROADCAST(x) */ ? FROM x"),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_values_become_question_marks(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'no end",
        "SELECT 'a\\' AND y = 'Eve' AND z = 'b\\'",
        'SELECT "a\\" AND y = "Eve"',
        "SELECT " + "x" * MAX_CHARACTERS,
        "SELECT `no end",
    ],
    ids=range(5),
)
def test_what_is_not_clear_is_not_told(text: str) -> None:
    assert redacted(text) is None


SECRET = "Mustermann"
CONTENT = st.lists(
    st.sampled_from([SECRET, "'", '"', "`", "--", "/*", "*/", "\n", ";", "?", "x", " "]), max_size=8
).map("".join)
PIECES = st.one_of(
    CONTENT.map(lambda text: "'" + text.replace("'", "''") + "'"),
    CONTENT.map(lambda text: '"' + text.replace('"', '""') + '"'),
    CONTENT.map(lambda text: f"-- {SECRET}{text}".replace("\n", " ") + "\n"),
    CONTENT.map(lambda text: f"/* {SECRET}{text.replace('/', '')} */"),
    st.sampled_from(["a = ", "IN (", ")", "AND", "`a'b`", '`"`', "5", "x"]),
)


@given(st.lists(PIECES, max_size=8))
def test_no_string_and_no_comment_gets_through(pieces: list[str]) -> None:
    found = redacted(" ".join(["SELECT", *pieces]))
    assert found is None or SECRET not in found
