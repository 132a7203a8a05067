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

from tests.support.browser import quiet_page
from tests.support.portal_site import PASSWORD, PortalSite, portal_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

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
def unharmed(page: Page) -> Iterator[None]:
    """After each scenario: no script ran, no traceback stands in the page."""
    yield
    assert page.evaluate("window.__x") is None
    assert "Traceback" not in page.inner_text("body")


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


def type_first(page: Page, text: str) -> None:
    page.locator(".ace_text-input").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text(text)
    expect(page.get_by_text("Unsaved")).to_be_visible()


def test_binary_huge_and_forbidden_things_are_sentences(
    page: Page, site: PortalSite, sshd: OpenSshServer
) -> None:
    """A head of the huge file is shown read-only; the portal's memory hardly grows."""
    folder = sshd.folder("kinds")
    sshd.write(folder / "binary.txt", bytes(range(256)) * 100)
    huge = sshd.write(folder / "huge.log", b"a line of the log\n" * 100_000)
    os.truncate(huge, 200 << 20)
    with huge.open("r+b") as file:
        file.write(b"a line of the log\n" * 100_000)
    latin = sshd.write(folder / "latin.txt", "Größe\n".encode("latin-1"))
    closed = folder / "closed"
    closed.mkdir()
    sshd.account.own(closed)
    closed.chmod(0o000)
    go(page, site, folder / "binary.txt")

    expect(page.get_by_role("alert").get_by_text("binary.txt is not a text file")).to_be_visible()
    before = site.memory_now()
    page.goto(f"{site.address}workspace?open={quote(str(huge))}")
    expect(page.get_by_text("Only the first 1,048,576 characters")).to_be_visible()
    expect(page.get_by_text("a line of the log").first).to_be_visible()
    assert site.memory_peak() - before < 100 << 20
    page.goto(f"{site.address}workspace?open={quote(str(latin))}")
    expect(page.get_by_text("Größe")).to_be_visible()
    page.goto(f"{site.address}workspace?open={quote(str(closed))}")
    expect(page.get_by_text("may not do this with closed")).to_be_visible()
    closed.chmod(0o700)


def test_a_command_that_floods_bad_bytes_ends_and_is_bounded(
    page: Page, site: PortalSite, sshd: OpenSshServer
) -> None:
    """100 MB that are no UTF-8: the end is shown, the portal's memory stays."""
    script = sshd.write(
        sshd.folder("flood") / "flood.py",
        b"import sys\nfor _ in range(100):\n"
        b"    sys.stdout.buffer.write(b'\\xff\\xfe<b>x\\n' * 150_000)\n"
        b"print('the very end')\n",
    )
    go(page, site, script)
    expect(page.get_by_role("button", name="Execute")).to_be_enabled()

    before = site.memory_now()
    page.get_by_label("Command").fill("python3 %file")
    page.get_by_label("Command").press("Tab")
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("exit code 0")).to_be_visible(timeout=90_000)
    expect(page.get_by_role("region", name="Output")).to_contain_text("the very end")
    assert site.memory_peak() - before < 80 << 20


def test_two_browsers_that_save_one_file_lose_nothing(
    page: Page, browser: Browser, site: PortalSite, sshd: OpenSshServer
) -> None:
    path = sshd.write(sshd.folder("shared") / "shared.py", b"start\n")
    go(page, site, path)
    with quiet_page(browser) as other:
        go(other, site, path)
        type_first(page, "mine ")
        type_first(other, "theirs ")
        other.get_by_role("button", name="Save").click()
        expect(other.get_by_text("Saved", exact=True)).to_be_visible()

        page.get_by_role("button", name="Save").click()
        expect(
            page.get_by_text("shared.py was changed by somebody else.", exact=True)
        ).to_be_visible()
        expect(page.get_by_text("mine start")).to_be_visible()
        assert path.read_text() == "theirs start\n"
        page.get_by_role("button", name="Overwrite").click()
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert path.read_text() == "mine start\n"


def test_typed_text_survives_a_killed_portal(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory, sshd: OpenSshServer
) -> None:
    """A draft is in the database soon after the last key; the file itself is as it was."""
    path = sshd.write(sshd.folder("draft") / "draft.py", b"start\n")
    with portal_site(tmp_path_factory.mktemp("killed"), sshd) as site:
        with browser.new_context() as context:
            first = context.new_page()
            go(first, site, path)
            type_first(first, "typed and never saved ")
            site.wait_for_draft("typed and never saved")
            site.kill()
        site.start()
        with browser.new_context() as context:
            again = context.new_page()
            go(again, site, path)
            expect(again.get_by_text("typed and never saved start")).to_be_visible()
            expect(again.get_by_text("Unsaved text was brought back")).to_be_visible()
            assert "Traceback" not in again.inner_text("body")
    assert path.read_bytes() == b"start\n"
