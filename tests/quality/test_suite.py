from __future__ import annotations

from pathlib import Path

import pytest

from hookline.core.errors import ConfigError
from hookline.core.events import Dataset
from hookline.quality.suite import MAX_BYTES, Suite, checks_for, find_suites, load_suites, parse_suites

GOOD = """\
dataset: "*/silver/transactions"
checks:
  - completeness: household_id
    severity: critical
    owner: retail
    tags: [keys, gdpr]
    description: every basket has a household
  - completeness: {column: product_id, min_share: 0.99}
  - range: {column: quantity, min: 0, max: 1000}
    tolerance: 0.001
  - set: {column: department, values: [GROCERY, DRUG GM, NO]}
  - pattern: {column: product_id, regex: "[0-9]+"}
  - unique: [basket_id, product_id]
  - unique: basket_id
    severity: info
    tolerance: 10
    name: one row per basket
  - row_count: {min: 1, max: 100000}
    required: true
"""


def read(text: str) -> tuple[Suite, ...]:
    return parse_suites(text, "s.yaml")


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value).splitlines()


def mistake_in_check(entry: str) -> str:
    """The one mistake of a suite whose first check stands from line 3 on."""
    lines = "\n".join("  " + line for line in entry.splitlines())
    (mistake,) = mistakes(f'dataset: "*"\nchecks:\n{lines}\n')
    return mistake


def test_a_whole_suite_is_read() -> None:
    (suite,) = read(GOOD)
    assert [check.name for check in suite.checks] == [
        "completeness(household_id)",
        "completeness(product_id)",
        "range(quantity)",
        "set(department)",
        "pattern(product_id)",
        "unique(basket_id, product_id)",
        "one row per basket",
        "row_count",
    ]
    first = suite.checks[0].terms
    assert (first.severity, first.must_answer, first.owner, first.tags) == (
        "critical",
        True,
        "retail",
        ("keys", "gdpr"),
    )
    assert suite.checks[3].measures()[0].values == ("GROCERY", "DRUG GM", "NO")
    assert [check.terms.must_answer for check in suite.checks[1:]] == [False] * 6 + [True]
    assert str(suite.where) == "s.yaml:1"


def test_a_file_may_hold_several_suites() -> None:
    text = """\
suites:
  - dataset: [a, "b*"]
    checks: [{completeness: x}]
  - dataset: c
    checks: [{row_count: {min: 1}}]
"""
    suites = read(text)
    assert [suite.datasets for suite in suites] == [("a", "b*"), ("c",)]
    assert [suite.where.line for suite in suites] == [2, 4]


@pytest.mark.parametrize(
    ("glob", "dataset", "fits"),
    [
        ("*/silver/transactions", Dataset("file", "/lake/silver/transactions"), True),
        ("*/silver/transactions", Dataset("file", "/lake/a/b/silver/transactions"), True),
        ("*/silver/transactions", Dataset("file", "/lake/silver/transactions_old"), False),
        ("*/Silver/*", Dataset("file", "/lake/silver/transactions"), False),
        ("silver.transactions", Dataset("file", "/w/t", symlinks=(("hive", "silver.transactions"),)), True),
        ("s3://bucket/silver/*", Dataset("s3://bucket", "silver/t"), True),
        ("silver/*", Dataset("s3://bucket", "silver/t"), True),
        ("tab[le", Dataset("file", "tab[le"), True),
    ],
)
def test_which_datasets_a_suite_is_for(glob: str, dataset: Dataset, fits: bool) -> None:
    (suite,) = read(f"dataset: '{glob}'\nchecks: [{{completeness: x}}]\n")
    assert suite.matches(dataset) is fits


def test_checks_of_several_suites_have_unique_names() -> None:
    named = "{row_count: {min: 1}, name: 'completeness(x) #2'}"
    one = f"dataset: '*'\nchecks: [{{completeness: x}}, {{completeness: x}}, {named}]"
    suites = (*read(one), *read("dataset: other\nchecks: [{unique: x}]"), *read(one))
    names = [check.name for check in checks_for(Dataset("file", "/t"), suites)]
    assert len(names) == len(set(names)) == 6
    # A name that was given stays, and derived ones make way.
    assert names[:3] == ["completeness(x)", "completeness(x) #3", "completeness(x) #2"]


# (check from line 3 on, line, key, what the message says)
WRONG = [
    (
        "- patern: {column: a, regex: x}",
        3,
        "checks[0].patern",
        "unknown check (did you mean 'pattern'?); known: anomaly",
    ),
    (
        "- severity: warn",
        3,
        "checks[0]",
        "names no check; a check is a mapping with one of these keys: anomaly, castable, category_drift, compare,",
    ),
    ("- hello", 3, "checks[0]", "found 'hello' (text); a check is a mapping with one of these keys"),
    ("-", 3, "checks[0]", "found nothing; a check is a mapping with one of these keys"),
    (
        "- unique: a\n  completeness: a",
        3,
        "checks[0]",
        "has several kinds of checks, unique, completeness; give each its",
    ),
    (
        "- unique: a\n  severty: warn",
        4,
        "checks[0].severty",
        "unknown key (did you mean 'severity'?); allowed: unique, sev",
    ),
    (
        "- unique: a\n  severity: Critical",
        4,
        "checks[0].severity",
        "should be one of info, warn, error, critical (did you mean 'critical'?)",
    ),
    ("- unique: a\n  severity: 1", 4, "checks[0].severity", "found 1 (a whole number); should be "),
    ("- unique: a\n  tolerance: 1.0", 4, "checks[0].tolerance", "found 1.0 (a number); a share is below 1"),
    ("- unique: a\n  tolerance: -1", 4, "checks[0].tolerance", "a tolerance is not negative"),
    ("- unique: a\n  tolerance: .nan", 4, "checks[0].tolerance", "a tolerance is not negative, and is a number"),
    ("- unique: a\n  tolerance: 1%", 4, "checks[0].tolerance", "found '1%' (text); a share below 1"),
    ("- unique: a\n  tolerance: true", 4, "checks[0].tolerance", "found true (true or false); a share below 1"),
    ("- unique: a\n  name: ''", 4, "checks[0].name", "found '' (text)"),
    ("- unique: a\n  name: 5", 4, "checks[0].name", "should be text; put it in quotes"),
    ("- unique: a\n  tags: pii", 4, "checks[0].tags", "should be a list"),
    ("- unique: a\n  tags:\n    - pii\n    - 3", 6, "checks[0].tags[1]", "should be text; put it in quotes"),
    ("- unique: a\n  required: 'yes'", 4, "checks[0].required", "found 'yes' (text)"),
    (
        "- completeness:",
        3,
        "checks[0].completeness",
        "should be a column, or a mapping with these keys: column, min_share",
    ),
    ("- completeness: ' '", 3, "checks[0].completeness", "a column's name is not empty"),
    ("- completeness: true", 3, "checks[0].completeness", "should be a column, or a mapping"),
    (
        "- completeness:\n    column: a\n    min_share: 1.01",
        5,
        "checks[0].completeness.min_share",
        "a share above 0 and not above 1 is allowed",
    ),
    ("- completeness: {min_share: 0.5}", 3, "checks[0].completeness", "'column' is missing"),
    (
        "- completeness: {column: a, min_share: 0.5}\n  tolerance: 3",
        4,
        "checks[0].tolerance",
        "min_share says already how many nulls are borne: keep one of the two",
    ),
    ("- range: {column: a}", 3, "checks[0].range", "min, max or both are needed"),
    ("- range: {column: a, min: 2, max: 1}", 3, "checks[0].range", "min (2) is greater than max (1): swap them"),
    ("- range: {column: a, min: 2024-03-01, max: 2024-02-01}", 3, "checks[0].range", "min (2024-03-01) is greater"),
    ("- range: {column: a, min: 1, max: '2'}", 3, "checks[0].range", "both must be of one kind"),
    ("- range: {column: a, min: .nan}", 3, "checks[0].range.min", "NaN and infinity are no bounds: leave the key out"),
    ("- range: {column: a, max: .inf}", 3, "checks[0].range.max", "NaN and infinity are no bounds"),
    ("- range: {column: a, min: 1, max: null}", 3, "checks[0].range.max", "null is no bound: leave the key out"),
    ("- range: {column: a, min: [1]}", 3, "checks[0].range.min", "found a list; a single value is allowed here"),
    (
        "- range: {column: a, mim: 1, max: 3}",
        3,
        "checks[0].range.mim",
        "unknown key (did you mean 'min'?); allowed: col",
    ),
    ("- range:\n    min: 1\n    severity: warn\n    column: a", 5, "checks[0].range.severity", "stands beside 'range'"),
    ("- set: {column: a}", 3, "checks[0].set", "list values, or say with 'dataset' where they are"),
    (
        "- set: {column: a, values: []}",
        3,
        "checks[0].set.values",
        "an empty set would fail every row: list at least one",
    ),
    ("- set: {column: a, values: x}", 3, "checks[0].set.values", "found 'x' (text); should be a list"),
    (
        "- set:\n    column: a\n    values:\n      - x\n      - null",
        7,
        "checks[0].set.values[1]",
        "null can't be listed: a null is not evaluated here, use completeness to forbid nulls",
    ),
    ("- set: {column: a, values: [x, {y: 1}]}", 3, "checks[0].set.values[1]", "a single value is allowed here"),
    (
        "- set: {column: a, values: [SE, 1]}",
        3,
        "checks[0].set.values",
        "text ('SE') and number (1): put text in quotes",
    ),
    ("- pattern: {column: a, regex: ''}", 3, "checks[0].pattern.regex", "an empty pattern matches empty text only"),
    ("- pattern: {column: a, regex: 5}", 3, "checks[0].pattern.regex", "should be text; put it in quotes"),
    (
        f"- pattern: {{column: a, regex: {'x' * 1001}}}",
        3,
        "checks[0].pattern.regex",
        "has 1,001 characters; at most 1,000",
    ),
    (
        "- pattern: {column: a, regex: 'a(b'}",
        3,
        "checks[0].pattern.regex",
        "broken at character 2: missing ), unterminated",
    ),
    (
        "- pattern: {column: a, regex: 'a)'}",
        3,
        "checks[0].pattern.regex",
        "broken at character 2: unbalanced parenthesis",
    ),
    (f"- pattern: {{column: a, regex: '{'(' * 500 + ')' * 500}'}}", 3, "checks[0].pattern.regex", "nests too deeply"),
    ("- pattern: {column: a, regex: 'a{99999999999999999999}'}", 3, "checks[0].pattern.regex", "repeats too often"),
    ("- unique: []", 3, "checks[0].unique", "at least one column is needed"),
    ("- unique: [a, b, a]", 3, "checks[0].unique", "column 'a' is named twice"),
    ("- unique:\n    - a\n    - 5", 5, "checks[0].unique[1]", "a column's name is text: put it in quotes"),
    (
        "- unique: 5",
        3,
        "checks[0].unique",
        "should be a column, a list of columns, or a mapping with these keys: columns",
    ),
    ("- unique: {column: a, columns: [b]}", 3, "checks[0].unique.column", "unknown key (did you mean 'columns'?)"),
    ("- row_count: 5", 3, "checks[0].row_count", "should be a mapping with these keys: min, max"),
    ("- row_count: {}", 3, "checks[0].row_count", "min, max or both are needed"),
    ("- row_count: {min: 9, max: 1}", 3, "checks[0].row_count", "min (9) is greater than max (1): swap them"),
    ("- row_count: {min: 1.5}", 3, "checks[0].row_count.min", "a whole number of rows, 0 or more"),
    ("- row_count: {max: -1}", 3, "checks[0].row_count.max", "a whole number of rows, 0 or more"),
    ("- row_count: {min: 1}\n  tolerance: 0.1", 4, "checks[0].tolerance", "no failing rows to bear: widen min and max"),
    ("- unique: a\n  unique: b", 4, "checks[0].unique", "given twice, first in line 3"),
    ("- unique: a\n  1: b", 4, "checks[0]", "the key '1' is not text"),
]


@pytest.mark.parametrize(("entry", "line", "key", "says"), WRONG, ids=[f"{entry[:40]}" for entry, *_ in WRONG])
def test_a_wrong_check_is_told_with_line_key_and_cure(entry: str, line: int, key: str, says: str) -> None:
    mistake = mistake_in_check(entry)
    assert mistake.startswith(f"s.yaml:{line}: {key}: ")
    assert says in mistake


def test_options_that_were_not_indented_are_recognised() -> None:
    told = mistakes('dataset: "*"\nchecks:\n  - range:\n    column: a\n    min: 1\n')
    assert "s.yaml:4: checks[0].column: belongs under 'range'; indent it further than 'range'" in told
    assert "s.yaml:5: checks[0].min: belongs under 'range'; indent it further than 'range'" in told


def test_all_mistakes_are_told_at_once_in_order() -> None:
    told = mistakes(
        'suites:\n  - dataset: "*"\n    checks:\n      - unique: []\n      - row_count: {}\n'
        "  - dataset: 3\n    checks: []\n"
    )
    assert [line.split(": ")[:2] for line in told] == [
        ["s.yaml:4", "suites[0].checks[0].unique"],
        ["s.yaml:5", "suites[0].checks[1].row_count"],
        ["s.yaml:6", "suites[1].dataset"],
        ["s.yaml:7", "suites[1].checks"],
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "s.yaml: the file is empty; a suite has the keys dataset and checks"),
        ("# nothing\n", "s.yaml: the file is empty"),
        ("- unique: a\n", "s.yaml:1: found a list; a suite has the keys dataset and checks"),
        ("checks: [{unique: a}]\n", "s.yaml:1: 'dataset' is missing"),
        ("dataset: a\n", "s.yaml:1: 'checks' is missing"),
        ("dataset: a\nchecks: {unique: a}\n", "s.yaml:2: checks: found a mapping; should be a list of checks"),
        ("dataset: a\nchecks: []\n", "s.yaml:2: checks: is empty; should be a list of checks"),
        ("dataset: a\nchecks:\n", "s.yaml:2: checks: found nothing; should be a list of checks"),
        ("dataset: ''\nchecks: [{unique: a}]\n", "s.yaml:1: dataset: found '' (text); should be a pattern"),
        ("dataset: []\nchecks: [{unique: a}]\n", "s.yaml:1: dataset: is empty; should be a pattern"),
        ("dataset: [a, 3]\nchecks: [{unique: a}]\n", "s.yaml:1: dataset[1]: found 3 (a whole number)"),
        ("dataset: a\nchekcs: 3\nchecks: [{unique: a}]\n", "s.yaml:2: chekcs: unknown key (did you mean 'checks'?)"),
        ("suites: []\n", "s.yaml:1: suites: is empty; should be a list of suites"),
        ("suites: [3]\n", "s.yaml:1: suites[0]: found 3 (a whole number); a suite has the keys"),
        ("suites: [{dataset: a, checks: [{unique: a}]}]\ndataset: b\n", "s.yaml:2: dataset: stands beside 'suites'"),
        (
            "dataset: a\ndataset: b\nchecks: [{unique: a}]\n",
            "s.yaml:2: dataset: this key is given twice, first in line 1",
        ),
        ("dataset: */silver/x\nchecks: []\n", 'text that begins with * has to be in quotes: "*/silver/transactions"'),
        ("dataset: *x\nchecks: []\n", "s.yaml:1:10: not valid YAML: aliases (*name) are not supported"),
        ('dataset: a\nchecks: [{pattern: {column: a, regex: "\\d"}}]\n', "put a pattern in single quotes"),
        ("dataset: a\n\tchecks: []\n", "indented with spaces, never with tabs"),
        ("dataset: !!python/name:os.system a\nchecks: [{unique: a}]\n", "s.yaml:1: dataset: the tag"),
        ("dataset: a\n---\ndataset: b\n", "s.yaml:2"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(text: str, told: str) -> None:
    assert told in "\n".join(mistakes(text))


def test_names_given_twice_are_told_with_both_lines() -> None:
    told = mistakes(
        "dataset: a\nchecks:\n  - unique: a\n    name: n\n  - unique: b\n    name: n\n  - unique: c\n    name: m\n"
    )
    assert told == [
        "s.yaml:6: checks[1].name: 'n' is the name of another check too, in line 4; names are unique within a suite"
    ]


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
    )
    (told,) = mistakes(bomb)
    assert told.startswith("s.yaml:2:")
    assert "aliases (*name) are not supported" in told


def test_a_bottomless_file_is_refused() -> None:
    (told,) = mistakes("dataset: " + "[" * 5000)
    assert "levels deep" in told


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("dataset: ü\nchecks:\n" + "  - completeness: é\n" * 500_000)
    assert path.stat().st_size > 10_000_000
    with pytest.raises(ConfigError, match=rf"big\.yaml: larger than {MAX_BYTES:,} bytes; split the suite into several"):
        load_suites(path)


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: the suite can't be read: No such file or directory; correct"):
        load_suites(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="the suite can't be read: Is a directory"):
        load_suites(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"dataset: a\nchecks:\n  - unique: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:3: not UTF-8"):
        load_suites(latin)
    nul = tmp_path / "nul.yaml"
    nul.write_bytes(b"dataset: a\n\x00\n")
    with pytest.raises(ConfigError, match=r"nul\.yaml:2: .*control character"):
        load_suites(nul)


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert len(load_suites(path)[0].checks) == 8


class TestFindSuites:
    @pytest.fixture
    def base(self, tmp_path: Path) -> Path:
        for name in ("b.yaml", "a.yaml", "deep/er/c.yaml"):
            path = tmp_path / "suites" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"dataset: {path.stem}\nchecks: [{{unique: x}}]\n")
        (tmp_path / "odd[1].yaml").write_text("dataset: odd\nchecks: [{unique: x}]\n")
        return tmp_path

    @pytest.mark.parametrize(
        ("patterns", "datasets"),
        [
            (["suites/*.yaml"], ["a", "b"]),
            (["suites/**/*.yaml"], ["a", "b", "c"]),
            (["suites/b.yaml", "suites/*.yaml", "suites/../suites/a.yaml"], ["b", "a"]),
            (["suites/**"], ["a", "b", "c"]),
            (["odd[1].yaml"], ["odd"]),
        ],
    )
    def test_each_file_is_read_once_in_order(self, base: Path, patterns: list[str], datasets: list[str]) -> None:
        assert [suite.datasets[0] for suite in find_suites(patterns, base)] == datasets

    def test_an_absolute_path_is_taken_as_it_is(self, base: Path) -> None:
        assert len(find_suites([str(base / "suites" / "*.yaml")], Path("/"))) == 2

    def test_a_pattern_without_files_is_a_mistake(self, base: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            find_suites(["suites/*.yml", "none.yaml", "suites/a.yaml"], base)
        first, second = str(caught.value).splitlines()
        assert first.startswith("suites: 'suites/*.yml' names no file, looked for in ")
        assert second.startswith("suites: 'none.yaml' names no file")

    def test_mistakes_of_all_files_are_told_together(self, base: Path) -> None:
        (base / "suites" / "a.yaml").write_text("dataset: a\nchecks: []\n")
        (base / "suites" / "b.yaml").write_text("dataset: a\n")
        with pytest.raises(ConfigError) as caught:
            find_suites(["suites/*.yaml"], base)
        assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
            "suites/a.yaml:2",
            "suites/b.yaml:1",
        ]


def test_the_suite_in_the_reference_is_read() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "suites.md"
    example = page.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (suite,) = read(example)
    assert {check.kind for check in suite.checks} == {"completeness", "range", "set", "pattern", "unique", "row_count"}
