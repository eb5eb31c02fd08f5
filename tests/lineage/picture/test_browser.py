"""The picture in a real browser: what is drawn, what moves, and that no name becomes anything but text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hookline.lineage.graph import How, LineageGraph, Node
from hookline.lineage.picture import frame, page, svg
from hookline.lineage.picture.draw import Drawing

if TYPE_CHECKING:
    View = Any

pytestmark = pytest.mark.server
HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "' autofocus onfocus=document.title='owned' x='",
    "<!--<script>",
    "]]></style><style>*{display:none}</style>",
    "javascript:document.title='owned'",
    "${document.title='owned'}",
    "\n\r\t\x00\x1b[31m\u202e\u2028\u2029\ufeff\ufffe\ud800",
    "a.b.c.d",
    "😀🏳️‍🌈名前",
    "y" * 5_000,
    "#focus=x&theme=dark",
    "&lt;b&gt;&amp;#60;",
    "__proto__",
    "constructor",
]
TABLES = "[...document.querySelectorAll('.table:not(.gone)')]"


def written(folder: Path, text: str, name: str = "page.html") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def names(view: View, condition: str = "true") -> list[str]:
    """The titles of the tables that are shown and fulfil a condition."""
    return sorted(view.eval(f"{TABLES}.filter(one => {condition}).map(one => one.querySelector('.name').textContent)"))


def lit(view: View) -> list[str]:
    rows = view.eval("[...document.querySelectorAll('.row.on')].map(one => one.closest('.table').querySelector('.name')"
                     ".textContent + '.' + one.querySelector('.column').textContent)")  # fmt: skip
    return sorted(rows)


def test_everything_is_drawn_and_the_script_moves_nothing(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    assert names(view) == ["daily", "orders", "page", "sales", "stores"]
    places = view.eval(f"{TABLES}.map(one => [one.id, one.getAttribute('transform')])")
    boxes = Drawing.of(shop).boxes
    assert places == [[f"hl-t{n}", f"translate({boxes[n].x:g} {boxes[n].y:g})"] for n in range(5)]
    drawn = view.eval("[...document.querySelectorAll('.line')].map(one => one.getAttribute('d')).sort()")
    view.open(written(tmp_path, svg(shop), "page.svg"))
    assert drawn == view.eval("[...document.querySelectorAll('.line')].map(one => one.getAttribute('d')).sort()")
    assert view.eval("[...document.querySelectorAll('.band text')].map(one => one.textContent)") == [
        "bronze",
        "silver",
        "gold",
    ]


@pytest.mark.parametrize("group", ["", "group=0"])
def test_five_hundred_tables(view: View, many: LineageGraph, tmp_path: Path, group: str) -> None:
    file = written(tmp_path, page(many))
    assert file.stat().st_size < 3_000_000
    view.open(file, group)
    if group:
        assert len(names(view)) == 500
        places = view.eval(f"{TABLES}.map(one => one.getAttribute('transform'))")
        boxes = Drawing.of(many).boxes
        assert places == [f"translate({boxes[n].x:g} {boxes[n].y:g})" for n in range(500)]
        return
    assert names(view) == []
    assert view.told() == "0 of 500 tables and 4 groups"
    view.click(".cluster")
    assert len(names(view)) == 125
    view.open(file, "focus=silver/t2&steps=1")
    assert "t2" in names(view)
    assert 2 < len(names(view)) < 20
    assert names(view, "one.classList.contains('focus')") == ["t2"]


def test_a_column_is_followed_through_the_graph(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    price = "#" + view.eval("[...document.querySelectorAll('.row')].find(one => one.textContent.includes('price')).id")
    view.hover(price)
    assert lit(view) == ["daily.revenue", "orders.price", "sales.price"]
    assert names(view, "one.classList.contains('on')") == ["daily", "orders", "sales"]
    assert view.told() == "/lake/bronze/orders.price comes from 0 and goes to 2"
    faint = view.eval("getComputedStyle([...document.querySelectorAll('.line:not(.on)')][0]).opacity")
    assert float(faint) < 0.3
    view.hover("#hl-bar")
    view.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=880)
    assert lit(view) == []
    view.click(price)
    view.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=880)
    assert lit(view) == ["daily.revenue", "orders.price", "sales.price"], "a click keeps it"
    side = view.eval("document.getElementById('hl-side').innerText")
    assert "Goes to (2)" in side
    assert "/lake/gold/daily.revenue AGGREGATION" in side


def test_tables_fold_and_unfold(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    before = view.eval("document.querySelectorAll('.line.direct').length")
    sales = "#" + view.eval(
        "[...document.querySelectorAll('.table')].find(one => one.textContent.includes('sales')).id"
    )
    view.click(f"{sales} .name")
    assert view.eval(f"document.querySelector('{sales}').getAttribute('aria-expanded')") == "false"
    assert view.eval(f"document.querySelector('{sales} .rows').getBoundingClientRect().height") == 0
    after = view.eval("document.querySelectorAll('.line.direct').length")
    assert (before, after) == (5, 1)
    assert view.eval("document.querySelectorAll('.line.whole').length") == 4
    view.click(f"{sales} .name")
    assert view.eval("document.querySelectorAll('.line.direct').length") == before


def test_search_and_focus(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    view.key("/")
    view.type("reven")
    assert view.eval("[...document.querySelectorAll('.found li')].map(one => one.textContent)") == [
        "/lake/gold/daily.revenue"
    ]
    view.key("Enter")
    assert lit(view) == ["daily.revenue", "orders.price", "sales.price"]
    view.key("Escape")
    view.open(written(tmp_path, page(shop)), "focus=bronze/orders&steps=1")
    assert names(view) == ["orders", "sales"]
    view.eval("[...document.querySelectorAll('#hl-bar button')].find(one => one.textContent === 'Show all').click()")
    assert len(names(view)) == 5
    view.open(written(tmp_path, page(shop)), "focus=" + "%3Cb%3Enowhere")
    assert view.told() == "nothing here is named <b>nowhere"


def test_by_keyboard_alone(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    view.eval("[...document.querySelectorAll('.table')].find(one => one.textContent.includes('orders')).focus()")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert view.eval(focused) == "table of layer bronze /lake/bronze/orders, 3 columns"
    view.key("ArrowDown")
    view.key("ArrowDown")
    assert view.eval(focused) == "price"
    assert lit(view) == ["daily.revenue", "orders.price", "sales.price"]
    view.key("Escape")
    view.key("Enter")
    assert view.eval("document.activeElement.getAttribute('aria-expanded')") == "false"
    view.key("ArrowRight")
    assert "silver/sales" in view.eval(focused)
    view.key("f")
    assert names(view) == ["daily", "orders", "sales", "stores"]


def test_everything_that_can_be_reached_has_a_name(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)))
    view.call("Accessibility.enable")
    nodes = view.call("Accessibility.getFullAXTree")["nodes"]
    reachable = [
        node
        for node in nodes
        if any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))
    ]
    named = {node["name"]["value"] for node in reachable if node["role"]["value"] != "RootWebArea"}
    assert "" not in named
    assert {"table of layer silver /lake/silver/sales, 3 columns", "Find a table or column"} <= named
    daily = next(name for name in named if "gold/daily" in name)
    assert daily == (
        "table of layer gold /lake/gold/daily, 2 columns, 1 of 4 checks failed, may come from more: an RDD in between, "
        "last written 2026-05-04 03:02 UTC"
    )
    assert "mail, pii: email" in {node.get("name", {}).get("value") for node in nodes}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["page.html", "page.svg"])
def test_text_is_legible_in_both_schemes(
    view: View, shop: LineageGraph, tmp_path: Path, scheme: str, kind: str
) -> None:
    view.open(written(tmp_path, page(shop) if kind == "page.html" else svg(shop), kind), scheme=scheme)
    colors = view.eval(
        "[...document.querySelectorAll('.table text')].map(one => [getComputedStyle(one).fill, "
        "getComputedStyle(one.previousElementSibling?.tagName === 'rect' && one.closest('.badge') ? one.previousElementSibling "
        ": one.closest('.table').querySelector('.box')).fill, one.textContent])"
    )
    assert len(colors) > 20
    for ink, paper, text in colors:
        assert contrast(ink, paper) >= 4.5, (text, ink, paper)
    dark = luminance(colors[0][1]) < 0.2
    assert dark is (scheme == "dark")


def test_the_button_turns_the_scheme_round(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, page(shop)), "theme=dark")
    paper = "getComputedStyle(document.querySelector('.table .box')).fill"
    assert luminance(view.eval(paper)) < 0.2
    view.eval("[...document.querySelectorAll('#hl-bar button')].find(one => one.textContent === '◐').click()")
    assert luminance(view.eval(paper)) > 0.8


def hostile() -> LineageGraph:
    graph = LineageGraph()
    for number, name in enumerate(HOSTILE):
        source = Node("column", name, name, name)
        target = Node("column", f"ok{number}", f"gold/{name}", name)
        graph.link(source, target, How("DIRECT", name, False, name), jobs=[(name, name)])
        graph.link(source.dataset, target.dataset, How("DIRECT", name), jobs=[(name, name)])
        graph.link(target.dataset, Node("job", name, name), How("DIRECT", name), jobs=[(name, name)])
        for node in (source, source.dataset):
            about = graph.know(graph.number(node))
            about.type, about.incomplete = name, name
            about.tags |= {name: name, "layer": name} if node.kind == "dataset" else {name: name}
            about.owners.add(name)
            about.aliases.add(name)
        graph.job_owners[(name, name)] = {name}
    return graph


@pytest.mark.parametrize("kind", ["page", "frame", "svg"])
def test_names_are_text_whatever_they_hold(view: View, tmp_path: Path, kind: str) -> None:
    graph = hostile()
    text = {"page": page, "frame": lambda graph: f"<title>t</title>{frame(graph)}", "svg": svg}[kind](graph)
    view.open(written(tmp_path, text, f"page.{'svg' if kind == 'svg' else 'html'}"))
    if kind == "frame":
        assert view.eval("document.querySelectorAll('iframe').length") == 1
        assert view.eval("document.title") == "t"
        return
    assert (
        view.eval(
            "document.querySelectorAll('img, object, embed, foreignObject, [onload], [onerror], [onfocus]').length"
        )
        == 0
    )
    assert view.eval("document.querySelectorAll('script').length") == (2 if kind == "page" else 0)
    assert view.eval("document.title") == "Lineage"
    shown = set(view.eval("[...document.querySelectorAll('.table > title')].map(one => one.textContent)"))
    assert shown == {table.name for table in Drawing.of(graph).scene.tables}
    if kind == "page":
        view.eval(
            "document.querySelectorAll('.table').forEach(one => one.dispatchEvent(new MouseEvent('click', {bubbles: true})))"
        )
        view.eval(
            "document.querySelectorAll('.row').forEach(one => one.dispatchEvent(new MouseEvent('click', {bubbles: true})))"
        )
        for name in HOSTILE:
            view.eval(f"(() => {{ const one = document.querySelector('input[type=search]'); one.value = {json.dumps(name)}; "
                      "one.dispatchEvent(new Event('input')); })()")  # fmt: skip
            assert (
                view.eval(
                    "document.querySelectorAll('.found img, .found script, #hl-side img, #hl-side script').length"
                )
                == 0
            )
        assert view.eval("document.title") == "Lineage"


def test_in_a_notebook_the_frame_runs_and_touches_nothing(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    view.open(written(tmp_path, f"<!doctype html><style>* {{color: red}}</style>{frame(shop)}"))
    assert view.eval("document.querySelector('iframe').getAttribute('sandbox')") == "allow-scripts"
    assert view.eval("document.querySelector('iframe').contentDocument") is None
    inside = view.inside()
    inside.wait("document.documentElement.dataset.ready === 'yes'")
    assert len(names(inside)) == 5
    assert (
        inside.eval("(() => { try { return parent.document.title } catch (error) { return error.name } })()")
        == "SecurityError"
    )
    assert luminance(inside.eval("getComputedStyle(document.querySelector('.table .name')).fill")) < 0.2, "not red"
    assert view.screenshot().startswith(b"\x89PNG")


def test_a_script_that_got_in_would_not_run(view: View, shop: LineageGraph, tmp_path: Path) -> None:
    text = page(shop).replace(
        "</body>", "<script>document.title='owned'</script><p onclick=\"document.title='owned'\">x</p></body>"
    )
    view.open(written(tmp_path, text))
    view.eval("document.querySelector('p').click()")
    assert view.eval("document.title") == "Lineage"
    stopped = view.complaints()
    assert len(stopped) >= 1
    assert all("Content Security Policy" in one for one in stopped)
    view._browser.events.clear()


def channels(color: str) -> list[float]:
    return [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]


def luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
