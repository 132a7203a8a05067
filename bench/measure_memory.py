"""What one more signed-in, idle person costs the portal, beside an idle jupyter-server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from bench.demo_site import demo_site
from bench.row import Row
from tests.support.browser import SWITCHES, program

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

    from bench.demo_site import DemoSite

FIRST = 4
"""People who are there before counting begins: what is loaded once is loaded by them."""

MORE = 20
BAR = 2.0
"""Megabytes (10⁶ bytes) of memory a person."""

SHARE = 50
"""Of jupyter-server's memory, one part in so many."""

JUPYTER_PORT = 8690
SETTLE_SECONDS = 3.0
LEAVE_SECONDS = 45.0
"""Bokeh lets go of a page some time after its browser has."""

LEAK = 0.2
"""Megabytes a person may leave behind."""


def _own_bytes(pid: int) -> int:
    """Memory that a process has, shared pages counted in parts (Linux's ``Pss``)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    message = "this kernel does not tell a process's memory"
    raise RuntimeError(message)


async def _guests(browser: Browser, site: DemoSite, count: int) -> list[BrowserContext]:
    """So many new people, each with their files in front of them."""
    contexts = []
    for _ in range(count):
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(site.address)
        await page.get_by_role("button", name="Try as guest").click()
        await page.get_by_role("treeitem", name="hello.py").wait_for()
        contexts.append(context)
    await asyncio.sleep(SETTLE_SECONDS)
    return contexts


async def _portal() -> tuple[float, float]:
    """Megabytes a person, and how many more when as many others have taken their places."""
    with demo_site() as site:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=program(), args=SWITCHES)
            await _guests(browser, site, FIRST)
            before = _own_bytes(site.portal_pid)
            contexts = await _guests(browser, site, MORE)
            full = _own_bytes(site.portal_pid)
            for context in contexts:
                await context.close()
            await asyncio.sleep(LEAVE_SECONDS)
            await _guests(browser, site, MORE)
            again = _own_bytes(site.portal_pid)
            await browser.close()
    return (full - before) / MORE / 1e6, (again - full) / MORE / 1e6


def _jupyter() -> float:
    """Megabytes of one idle jupyter-server."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *(
                    f"--port={JUPYTER_PORT}",
                    "--IdentityProvider.token=",
                    f"--ServerApp.root_dir={folder}",
                ),
            ],
            env=os.environ | {"HOME": folder},
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    address = f"http://127.0.0.1:{JUPYTER_PORT}/api/status"
                    with urllib.request.urlopen(address, timeout=5):
                        break
                time.sleep(0.1)
            time.sleep(SETTLE_SECONDS)
            return _own_bytes(process.pid) / 1e6
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


async def measure() -> list[Row]:
    """Memory per signed-in idle user."""
    yardstick = await asyncio.to_thread(_jupyter)
    each, left = await _portal()
    bar = min(BAR, yardstick / SHARE)
    return [
        Row(
            f"memory per idle user ({MORE} more)",
            f"{each:.2f} MB",
            f"jupyter-server {yardstick:.0f} MB",
            f"{BAR:.0f} MB and 1/{SHARE}",
            each <= bar,
        ),
        Row(
            "memory left behind per user who went",
            f"{left:.2f} MB",
            "",
            f"{LEAK} MB",
            left <= LEAK,
        ),
    ]
