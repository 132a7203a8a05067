"""Every page meets WCAG 2.1 AA in both themes, by the rules that axe-core can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from tests.support.browser import quiet_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
OF_LIBRARIES = {
    # panel-material-ui names its sidebar's handle and its tooltips on elements without a role
    "aria-prohibited-attr",
    # Tabulator's grid holds its pager beside its rows
    "aria-required-children",
}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """The checker puts a script of its own into the page, which the content policy forbids."""
    with quiet_page(browser, bypass_csp=True) as made:
        yield made


# Colours that still change are no colours yet; what turns for ever is not waited for.
AT_REST = """() => Promise.allSettled(document.getAnimations()
    .filter(one => Number.isFinite(one.effect.getComputedTiming().endTime))
    .map(one => one.finished))"""


DARK = "rgb(16, 21, 28)"


def faults(page: Page) -> list[str]:
    page.evaluate(AT_REST)
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{fault['id']}: {node['failureSummary']} {node['html'][:200]}"
        for fault in found
        if fault["id"] not in OF_LIBRARIES
        for node in fault["nodes"]
    ]


def test_signing_in(page: Page, demo: str) -> None:
    page.goto(demo)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    assert faults(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_files_code_run_and_terminal(page: Page, demo: str, theme: str) -> None:
    page.goto(demo)
    page.get_by_role("button", name="Try as guest").click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()
    if theme == "dark":
        page.get_by_role("button", name="Toggle theme").click()
        expect(page.locator("body")).to_have_css("background-color", DARK)
        page.reload()
    expect(page.get_by_role("button", name="New terminal")).to_be_enabled()
    assert faults(page) == []

    page.get_by_role("treeitem", name="hello.py").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("exit code 0")).to_be_visible()
    assert faults(page) == []

    page.get_by_role("button", name="Home folder").click()
    expect(page.get_by_role("region", name="Files").get_by_text("hello.py")).to_be_visible()
    assert faults(page) == []

    page.get_by_role("button", name="New terminal").click()
    expect(page.get_by_role("region", name="Terminal")).to_contain_text("$")
    assert faults(page) == []

    page.get_by_role("treeitem", name="hello.py").click()
    expect(page.get_by_role("tab", name="hello.py", selected=True)).to_be_visible()


def test_the_dialogs(page: Page, demo: str) -> None:
    page.goto(demo)
    page.get_by_role("button", name="Try as guest").click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()

    page.get_by_role("button", name="guest").click()
    page.get_by_role("menuitem", name="Feedback").click()
    expect(page.get_by_label("Your message")).to_be_visible()
    assert faults(page) == []
