"""A stranger's first minutes: sign in as guest, run an example, use a terminal, come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def enter(page: Page, demo: str) -> None:
    page.goto(demo)
    page.get_by_role("button", name="Try as guest").click()
    expect(page.get_by_role("treeitem", name="hello.py")).to_be_visible()


def open_file(page: Page, name: str) -> None:
    page.get_by_role("treeitem", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Execute")).to_be_enabled()


def test_an_example_runs_and_its_picture_appears_beside_it(page: Page, demo: str) -> None:
    enter(page, demo)
    open_file(page, "dimuon_mass.py")

    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("exit code 0")).to_be_visible()
    expect(page.get_by_role("region", name="Output")).to_contain_text("highest bin")
    picture = page.get_by_role("img", name="dimuon_mass.png")
    expect(picture).to_be_visible()
    width = picture.evaluate("image => image.complete && image.naturalWidth")
    assert width > 100


def test_a_run_is_stopped_and_everything_is_there_after_a_reload(page: Page, demo: str) -> None:
    enter(page, demo)
    open_file(page, "hello.py")
    command = page.get_by_label("Command")
    command.fill("echo begun; sleep 1000")
    command.press("Tab")
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_role("region", name="Output")).to_contain_text("begun")

    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped after")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tab", name="hello.py")).to_be_visible()
    expect(page.get_by_role("region", name="Output")).to_contain_text("begun")
    expect(page.get_by_text("Stopped after")).to_be_visible()


def test_a_terminal_runs_programs_and_survives_a_reload(page: Page, demo: str) -> None:
    enter(page, demo)
    page.get_by_role("button", name="New terminal").click()
    terminal = page.get_by_role("region", name="Terminal")
    expect(terminal).to_contain_text("$")
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.type("echo te''rminal; kept=still\n")
    expect(terminal).to_contain_text("terminal")

    page.reload()
    expect(terminal).to_contain_text("terminal")
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.type('echo "$kept"here\n')
    expect(terminal).to_contain_text("stillhere")


def test_a_full_screen_editor_draws_saves_and_leaves(page: Page, demo: str) -> None:
    enter(page, demo)
    page.get_by_role("button", name="New terminal").click()
    terminal = page.get_by_role("region", name="Terminal")
    expect(terminal).to_contain_text("$")
    page.locator(".xterm-helper-textarea").focus()
    page.keyboard.type("vi written.txt\n")
    expect(terminal).to_contain_text("~")

    page.keyboard.type("ione\ntwo")
    expect(terminal).to_contain_text("INSERT")
    page.keyboard.press("Escape")
    page.keyboard.type(":wq\n")
    # The editor's questions to the terminal may be answered after it has gone: clear the line.
    expect(terminal).to_contain_text(re.compile(r"written(.|\n)*\$"))
    page.keyboard.press("Control+u")
    page.keyboard.type("paste -sd+ written.txt\n")
    expect(terminal).to_contain_text("one+two")


def test_the_address_opens_the_file_it_names(page: Page, demo: str) -> None:
    enter(page, demo)
    open_file(page, "hello.py")
    page.wait_for_url(re.compile("open="))
    link = page.url

    page.goto(link)
    expect(page.get_by_role("tab", name="hello.py", selected=True)).to_be_visible()


def test_signing_out_ends_the_page(page: Page, demo: str) -> None:
    enter(page, demo)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{demo}workspace")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_what_is_typed_is_unsaved_until_it_is_saved(page: Page, demo: str) -> None:
    enter(page, demo)
    open_file(page, "hello.py")
    page.locator(".ace_text-input").focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# my own line\n")
    expect(page.get_by_text("Unsaved")).to_be_visible()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_text("# my own line")).to_be_visible()
