"""A user adds a machine of their own, is asked for what it needs, and comes back to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import DemoSite
    from tests.support.openssh import OpenSshServer

pytestmark = pytest.mark.browser

DARK = "rgb(16, 21, 28)"


def sign_in(page: Page, site: DemoSite) -> None:
    page.goto(site.address)
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()


def from_menu(page: Page, item: str) -> None:
    page.get_by_role("button", name="demo", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def add(page: Page, sshd: OpenSshServer, *, name: str, login: str) -> None:
    from_menu(page, "Add a workspace")
    page.get_by_label("Host", exact=True).fill(sshd.host)
    page.get_by_label("Port").fill(str(sshd.port))
    page.get_by_label("Login name on the host").fill(login)
    page.get_by_label("Name (as you like)").fill(name)


def test_a_machine_is_added_confirmed_and_used(
    page: Page, demo_site: DemoSite, fresh_sshd: OpenSshServer
) -> None:
    sshd = fresh_sshd
    if sshd.password is None:
        pytest.skip("off root the account's password is not known")
    sshd.write(sshd.home / "on_my_machine.txt", b"here\n")
    sign_in(page, demo_site)

    add(page, sshd, name="My machine", login=sshd.login)
    page.get_by_role("dialog").get_by_label("SSH password").fill(sshd.password)
    page.get_by_role("button", name="Save and connect").click()
    expect(page.get_by_text("Nobody has confirmed the key")).to_be_visible()
    expect(page.get_by_text("SHA256:")).to_be_visible()
    page.get_by_role("button", name="Accept this key").click()
    expect(page.get_by_role("treeitem", name="on_my_machine.txt")).to_be_visible()
    page.wait_for_url(re.compile("workspace=own-"))

    page.reload()
    expect(page.get_by_role("treeitem", name="on_my_machine.txt")).to_be_visible()

    sshd.stop()
    expect(page.get_by_text("The connection was lost")).to_be_visible()
    sshd.start()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("The connection was lost")).to_be_hidden()

    from_menu(page, "Remove this workspace")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()
    expect(page.get_by_role("combobox", name="Workspace")).to_be_hidden()


def test_a_wrong_password_is_asked_for_again_and_nonsense_is_told(
    page: Page, demo_site: DemoSite, sshd: OpenSshServer
) -> None:
    if sshd.password is None:
        pytest.skip("off root the account's password is not known")
    sign_in(page, demo_site)

    add(page, sshd, name="Mine", login="not a login")
    page.get_by_role("button", name="Save and connect").click()
    expect(page.get_by_text("is no login name")).to_be_visible()
    page.get_by_label("Login name on the host").fill("<b>bold</b>")
    page.get_by_role("button", name="Save and connect").click()
    expect(page.get_by_text("'<b>bold</b>' is no login name")).to_be_visible()
    page.get_by_label("Login name on the host").fill(sshd.login)
    page.get_by_role("dialog").get_by_label("SSH password").fill("wrong")
    page.get_by_role("button", name="Save and connect").click()
    page.get_by_role("button", name="Accept this key").click()
    expect(page.get_by_text(f"does not let {sshd.login} in")).to_be_visible()

    page.get_by_role("main").get_by_label("SSH password").fill(sshd.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="New terminal")).to_be_enabled()


def test_a_private_key_opens_a_machine(
    page: Page, demo_site: DemoSite, sshd: OpenSshServer
) -> None:
    sign_in(page, demo_site)

    add(page, sshd, name="By key", login=sshd.login)
    page.get_by_role("button", name="Private key").click()
    page.get_by_role("textbox", name="Private key").fill(sshd.key_path.read_text())
    page.get_by_role("button", name="Save and connect").click()
    page.get_by_role("button", name="Accept this key").click()
    expect(page.get_by_role("button", name="New terminal")).to_be_enabled()


def test_a_guest_cannot_add_a_machine(page: Page, demo: str) -> None:
    page.goto(demo)
    page.get_by_role("button", name="Try as guest").click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()

    page.get_by_role("button", name=re.compile("^guest")).click()
    expect(page.get_by_role("menuitem", name="Feedback")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Add a workspace")).to_be_hidden()


def test_darkness_and_feedback_are_remembered(page: Page, demo_site: DemoSite) -> None:
    sign_in(page, demo_site)
    from_menu(page, "Feedback")
    page.get_by_label("Your message").fill("Well made <script>alert(1)</script>")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you")).to_be_visible()

    page.get_by_role("button", name=re.compile("theme|dark", re.IGNORECASE)).click()
    expect(page.locator("body")).to_have_css("background-color", DARK)
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", DARK)
