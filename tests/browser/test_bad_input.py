"""Hostile names, sizes and contents in the browser, on a real host behind a real portal.

The rule of the whole module: nothing is executed, nothing is lost, no traceback is shown, the
page keeps its content policy, and the portal's event loop is not held.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.support.portal_site import PASSWORD, PortalSite, portal_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.support.openssh import OpenSshServer

pytestmark = [pytest.mark.browser, pytest.mark.ssh]

LONGEST_BLOCK = 50.0
"""Milliseconds in which the portal's event loop may do nothing else."""

HOSTILE = [
    b"two words.py",
    b'quote\'s "both".py',
    b";$(touch PWNED).py",
    b"`touch PWNED`.py",
    b"line\nbreak.py",
    b"<img src=x onerror=window.__x=1>.py",
    b"<script>window.__x=1<&script>.py",
    b"%dir %name.py",
    b"caf\xe9.py",
    "bidi\u202eyp.exe.py".encode(),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sshd: OpenSshServer) -> Iterator[PortalSite]:
    with portal_site(tmp_path_factory.mktemp("portal"), sshd) as running:
        yield running


@pytest.fixture(autouse=True)
def unharmed(site: PortalSite, page: Page) -> Iterator[None]:
    """After each scenario: no script ran, no traceback stands in page or log, the loop was free."""
    yield
    assert page.evaluate("window.__x") is None
    assert "Traceback" not in page.inner_text("body")
    assert "Traceback" not in site.log()


def go(page: Page, site: PortalSite, path: Path) -> None:
    """Sign in and open a file or folder by its address; the measuring begins once it is shown."""
    page.goto(f"{site.address}sign-in?next={quote('/workspace?open=' + quote(os.fsencode(path)))}")
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("tab").first).to_be_visible()
    site.health(forget=True)


def loop_was_free(site: PortalSite) -> None:
    told = site.health()
    longest = told["loop_max_cpu_ms"]
    assert isinstance(longest, float)
    assert longest < LONGEST_BLOCK, told["loop_cpu_culprit"]


def test_a_folder_of_100_000_names_is_shown_in_pages_and_filtered(
    page: Page, site: PortalSite, sshd: OpenSshServer
) -> None:
    """Fewer than 200 rows stand in the page, and the event loop stays free."""
    folder = sshd.folder("many")
    sshd.run(
        "python3", "-c", "for n in range(100_000): open(f'name_{n:06d}.txt', 'w').close()",
        cwd=folder,
    )  # fmt: skip
    small = sshd.folder("small")
    go(page, site, small)

    page.goto(f"{site.address}workspace?open={quote(str(folder))}")
    expect(page.get_by_text("100,000 entries")).to_be_visible()
    expect(page.get_by_text("name_000000.txt")).to_be_visible()
    assert 10 < page.locator(".tabulator-row").count() < 200
    site.health(forget=True)
    page.get_by_label("Filter names").fill("_09999")
    page.get_by_label("Filter names").press("Enter")
    expect(page.get_by_text("10 entries")).to_be_visible()
    expect(page.get_by_text("name_099990.txt")).to_be_visible()
    page.get_by_label("Filter names").fill("")
    page.get_by_label("Filter names").press("Enter")
    expect(page.get_by_text("100,000 entries")).to_be_visible()
    page.get_by_role("button", name="Go to page 2", exact=True).click()
    expect(page.get_by_text("name_000500.txt")).to_be_visible()
    loop_was_free(site)


def test_hostile_names_are_text_everywhere_and_run_without_side_effect(
    page: Page, site: PortalSite, sshd: OpenSshServer
) -> None:
    folder = sshd.folder("<b>nasty")
    for name in HOSTILE:
        sshd.write(folder / os.fsdecode(name), b"print('ran', 6 * 7)\n")
    go(page, site, folder)

    for shown in (
        "two words.py", ";$(touch PWNED).py", "line\\nbreak.py", "caf\\xe9.py",
        "<img src=x onerror=window.__x=1>.py", "bidi\\u202eyp.exe.py",
    ):  # fmt: skip
        cell = page.locator(".tabulator-cell").get_by_text(shown, exact=True)
        expect(cell).to_be_visible()
        assert cell.locator("*").count() == 0
    for name in HOSTILE:
        path = folder / os.fsdecode(name)
        page.goto(f"{site.address}workspace?open={quote(os.fsencode(path))}")
        expect(page.get_by_role("button", name="Execute")).to_be_enabled()
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        page.get_by_label("Command").fill("python3 %file && echo done: %name")
        page.get_by_label("Command").press("Tab")
        page.get_by_role("button", name="Execute").click()
        expect(page.get_by_role("region", name="Output")).to_contain_text("ran 42")
        expect(page.get_by_role("region", name="Output")).to_contain_text("done:")
    assert list(sshd.home.rglob("PWNED")) == []
    assert page.locator("[role=tab] img, [role=tab] script").count() == 0
