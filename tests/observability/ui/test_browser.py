"""The page in a real browser: clicked through, charts drawn, no complaint, no policy violated, by keyboard, on a phone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

pytestmark = pytest.mark.server
BARS = "document.querySelectorAll('svg.plot .bar').length"


@pytest.fixture
def shown(view: Any, site: Any) -> Any:
    view.own = site.address
    view.home = site.address
    return view


def go(view: Any, path: str, **how: Any) -> None:
    view.open(view.home + path, **how)
    view.wait("document.documentElement?.dataset.ready === 'yes'")


def follow(view: Any, selector: str) -> None:
    """Click, and wait for another page."""
    view.eval("document.documentElement.dataset.ready = 'old'; 1")
    view.eval(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}}); 1")
    view.click(selector)
    view.wait("document.documentElement?.dataset.ready === 'yes'")


def heading(view: Any) -> str:
    return str(view.eval("document.querySelector('h1').innerText"))


def test_from_the_overview_to_a_run_its_dataset_and_the_lineage(shown: Any, ids: dict[str, str]) -> None:
    go(shown, "/")
    assert heading(shown) == "Overview"
    assert shown.eval(BARS) > 2
    assert shown.eval("document.title") == "Overview · hookline"
    follow(shown, f"#h-slower ~ ul a[href='/runs/{ids['slow']}']")
    assert heading(shown).startswith("load orders")
    widths = shown.eval(
        "[...document.querySelectorAll('svg.gantt .bar')].map(one => one.getBoundingClientRect().width)"
    )
    assert len(widths) == 2
    assert min(widths) > 0
    follow(shown, ".write h3 a")
    assert heading(shown) == "s3://lake/silver/orders"
    drawn = shown.eval("[...document.querySelectorAll('figure.chart')].map(one => [one.querySelector('h2').innerText, "
                       "one.querySelectorAll('.bar, .dot').length])")  # fmt: skip
    assert dict(drawn)["Rows by write"] == 22
    assert dict(drawn)["Checks passed by write"] == 22
    follow(shown, ".actions a")
    assert heading(shown).startswith("Lineage around")
    inside = shown.inside()
    inside.wait("document.documentElement?.dataset.ready === 'yes'")
    names = inside.eval("[...document.querySelectorAll('.table .name')].map(one => one.textContent)")
    assert {"orders"} <= set(names)
    follow(shown, "nav a[href='/runs']")
    assert shown.eval("document.querySelectorAll('.runs tbody tr').length") == 25


def test_a_tip_tells_the_number_under_the_pointer(shown: Any) -> None:
    go(shown, "/")
    # The days are UTC's: shortly after midnight today has no finished run, and yesterday has them all.
    tips = shown.eval("[...document.querySelectorAll('svg.plot .datum')].map(one => one.dataset.tip)")
    day = next(tip for tip in tips if "finished" in tip)
    shown.hover(f"svg.plot .datum[data-tip={day!r}]")
    assert shown.eval("document.getElementById('tip').hidden") is False
    assert shown.eval("document.getElementById('tip').textContent") == day


def test_search_and_filters_by_keyboard(shown: Any) -> None:
    go(shown, "/")
    shown.key("/")
    assert shown.eval("document.activeElement.name") == "q"
    shown.type("email")
    shown.eval("document.documentElement.dataset.ready = 'old'; 1")
    shown.key("Enter")
    shown.wait("document.documentElement?.dataset.ready === 'yes'")
    assert "customer_email" in shown.eval("document.getElementById('main').innerText")
    go(shown, "/runs?status=failed")
    assert shown.eval("document.querySelectorAll('.runs tbody tr').length") == 2
    assert shown.eval("document.querySelector('input[value=failed]').checked") is True


@pytest.mark.parametrize("path", ["/", "/runs", "/datasets", "/lineage", "/health", "run", "hostile"])
def test_it_fits_a_phone_and_names_everything(shown: Any, ids: dict[str, str], path: str) -> None:
    address = {"run": f"/runs/{ids['slow']}", "hostile": f"/runs/{ids['hostile']}"}.get(path, path)
    shown.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    go(shown, address, scheme="dark")
    assert shown.eval("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert shown.eval("document.title") != "owned"
    back = shown.eval("getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(16, 19, 24)"
    marks = shown.eval(
        "['header', 'nav', 'main', 'footer', 'h1'].map(one => document.querySelectorAll(one).length > 0)"
    )
    assert all(marks)
    unnamed = shown.eval(
        "[...document.querySelectorAll('svg[role=img]')].filter(one => !one.getAttribute('aria-label')).length"
        " + [...document.querySelectorAll('th:not([scope])')].length"
        " + [...document.querySelectorAll('a, button')].filter(one => !(one.innerText || one.ariaLabel || '').trim()).length"
    )
    assert unnamed == 0
    shown.call("Accessibility.enable")
    nodes = shown.call("Accessibility.getFullAXTree")["nodes"]
    inputs = [node for node in nodes if node["role"]["value"] in ("searchbox", "combobox", "textbox", "checkbox")]
    assert inputs
    assert all(node["name"]["value"] for node in inputs)
    levels = shown.eval("[...document.querySelectorAll('h1,h2,h3,h4')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
