"""The demo as a stranger starts it, and a browser in front of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import chromium, quiet_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


# A busy machine draws later; what never comes still fails.
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class DemoSite:
    """A running demo; ``password`` lets its user "demo" in."""

    address: str
    password: str


@pytest.fixture(scope="module")
def demo(demo_site: DemoSite) -> str:
    """The address of a running demo."""
    return demo_site.address


@pytest.fixture(scope="module")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """A demo, started as a stranger would."""
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [sys.executable, "-m", "vispa_panel.demo.command", "--port", "8600", "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = password = None
    for line in process.stdout:
        found = re.search(r"http://localhost:\d+/", line)
        if found:
            address = found.group()
        said = re.search(r"with the password (\S+),", line)
        if said:
            password = said.group(1)
        if "Ctrl+C" in line:
            break
    assert address is not None
    assert password is not None
    yield DemoSite(address, password)
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the module."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that must not complain."""
    with quiet_page(browser) as made:
        yield made
