"""From the click that signs in to the files of the home folder, in a real Chromium."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from bench.demo_site import demo_site
from bench.row import Row
from tests.support.browser import SWITCHES, program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, Page

    from bench.demo_site import DemoSite

TIMES = 7
BAR = 1.5
"""Seconds until the first page is usable."""

_FIRST_BYTE = "performance.getEntriesByType('navigation')[0].responseStart"


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=SWITCHES)
        yield browser
        await browser.close()


def _cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _page(context: BrowserContext, site: DemoSite) -> Page:
    page = await context.new_page()
    await page.goto(site.address)
    return page


async def _enter(page: Page, button: str) -> tuple[float, float]:
    """Seconds until the home folder's files stand there, and milliseconds to the first byte."""
    begun = time.perf_counter()
    await page.get_by_role("button", name=button).click(no_wait_after=True)
    await page.get_by_role("treeitem", name="hello.py").wait_for()
    seconds = time.perf_counter() - begun
    return seconds, float(await page.evaluate(_FIRST_BYTE))


async def _guest(browser: Browser, site: DemoSite) -> tuple[float, float]:
    """A new person: a browser that has never been here, a home that does not exist."""
    context = await browser.new_context()
    page = await _page(context, site)
    took = await _enter(page, "Try as guest")
    await context.close()
    return took


async def _user(context: BrowserContext, site: DemoSite) -> tuple[float, float]:
    """Somebody who comes back, with the programs of the page in the browser's cache."""
    page = await _page(context, site)
    await page.get_by_label("User name").fill("demo")
    await page.get_by_label("Password").fill(site.password)
    took = await _enter(page, "Sign in")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_label("Password").wait_for()
    await page.close()
    return took


def _row(what: str, seconds: float) -> Row:
    reached = seconds <= BAR
    return Row(f"first page usable, {what}", f"{seconds:.2f} s", "", f"{BAR} s", reached)


def _information(what: str, ours: str) -> Row:
    return Row(what, ours, "", "for information", reached=True)


async def measure() -> list[Row]:
    """The first session of all, then the medians of people who come back and of new guests."""
    with demo_site() as site:
        async with _chromium() as browser:
            cold, _ = await _guest(browser, site)
            used = _cpu_seconds(site.portal_pid)
            guests = [await _guest(browser, site) for _ in range(TIMES)]
            used = (_cpu_seconds(site.portal_pid) - used) / TIMES
            known = await browser.new_context()
            await _user(known, site)
            users = [await _user(known, site) for _ in range(TIMES)]
    both = [first_byte for _, first_byte in guests + users]
    return [
        _row("the very first session", cold),
        _row(f"a new guest, median of {TIMES}", statistics.median(took for took, _ in guests)),
        _row(f"a returning user, median of {TIMES}", statistics.median(took for took, _ in users)),
        _information(
            "first byte of the page after the click, median", f"{statistics.median(both):.0f} ms"
        ),
        _information("processor time of the portal per new guest", f"{used * 1000:.0f} ms"),
    ]
