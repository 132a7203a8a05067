"""A real Chromium, driven by Playwright; what a page complains about fails its test."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, StorageState

MISSING = "chromium is missing; install it: apt-get install chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def program() -> str:
    """Where Debian's Chromium is; raises RuntimeError where it is missing."""
    found = shutil.which("chromium")
    if found is None:
        raise RuntimeError(MISSING)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=SWITCHES)
        yield browser
        browser.close()


@contextmanager
def quiet_page(
    browser: Browser,
    *,
    width: int = 1280,
    height: int = 800,
    bypass_csp: bool = False,
    state: StorageState | None = None,
) -> Iterator[Page]:
    """A page in a browser profile of its own; at the end it must not have complained.

    ``bypass_csp`` is for a test that puts a checker of its own into the page, ``state`` brings the
    cookies of an earlier one.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, bypass_csp=bypass_csp, storage_state=state
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield page
    context.close()
    assert complaints == []
