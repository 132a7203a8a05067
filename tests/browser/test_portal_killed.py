"""The portal is killed in the middle of a run: nothing of the person's work is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import quiet_page
from tests.support.portal_site import PASSWORD, PortalSite, portal_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.support.openssh import OpenSshServer

pytestmark = pytest.mark.browser

SIXTY_LINES = "for i in $(seq 60); do echo line $i; sleep 0.1; done"


@pytest.fixture
def site(tmp_path: Path, sshd: OpenSshServer) -> Iterator[PortalSite]:
    with portal_site(tmp_path, sshd) as made:
        yield made


def sign_in(page: Page, site: PortalSite) -> None:
    page.goto(site.address)
    page.get_by_label("User name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="New terminal")).to_be_enabled()


def test_a_run_and_a_terminal_outlive_the_portal(
    browser: Browser, site: PortalSite, sshd: OpenSshServer
) -> None:
    sshd.write(sshd.home / "sixty.sh", b"# sixty lines\n")
    with quiet_page(browser) as page:
        sign_in(page, site)
        page.get_by_role("button", name="New terminal").click()
        terminal = page.get_by_role("region", name="Terminal")
        expect(terminal).to_contain_text("$")
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.type("kept=still; echo be''fore\n")
        expect(terminal).to_contain_text("before")
        page.get_by_role("treeitem", name="sixty.sh").click()
        page.get_by_label("Command").fill(SIXTY_LINES)
        page.get_by_label("Command").press("Tab")
        page.get_by_role("button", name="Execute").click()
        expect(page.get_by_role("region", name="Output")).to_contain_text("line 3")
        page.goto("about:blank")
        state = page.context.storage_state()

    site.kill()
    site.start()
    with quiet_page(browser, state=state) as page:
        page.goto(f"{site.address}workspace")
        output = page.get_by_role("region", name="Output")
        expect(page.get_by_text("exit code 0")).to_be_visible()
        expect(output).to_contain_text("line 60")
        lines = (output.locator("pre").first.text_content() or "").split("\n")
        assert [one for one in lines if one.startswith("line")] == [
            f"line {number}" for number in range(1, 61)
        ]

        page.get_by_role("tab", name="Terminal").click()
        expect(page.get_by_role("region", name="Terminal")).to_contain_text("before")
        page.locator(".xterm-helper-textarea").focus()
        page.keyboard.type('echo "$kept"here\n')
        expect(page.get_by_role("region", name="Terminal")).to_contain_text("stillhere")
