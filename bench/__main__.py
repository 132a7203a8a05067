"""``make bench``: run every measurement and write ``bench/RESULTS.md``.

A measurement is a module of this package whose name starts with ``measure_`` and which has an
``async def measure() -> list[Row]``.
"""

from __future__ import annotations

import asyncio
import os
import platform
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.row import Row

HERE = Path(__file__).parent


def machine() -> str:
    """Describe this machine in a sentence."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, everything on loopback."
    )


async def measured() -> list[Row]:
    """Run the measurements one after the other, so that none disturbs another."""
    rows: list[Row] = []
    for module in sorted(iter_modules([str(HERE)]), key=lambda module: module.name):
        if module.name.startswith("measure_"):
            rows += await import_module(f"bench.{module.name}").measure()
    return rows


def report(rows: list[Row]) -> str:
    """Write the table as Markdown."""
    lines = ["# Measured", "", machine(), "", "| what | ours | yardstick | to reach | reached |"]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        reached = "yes" if row.reached else "no"
        lines.append(f"| {row.what} | {row.ours} | {row.yardstick} | {row.goal} | {reached} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, show and keep."""
    text = report(asyncio.run(measured()))
    (HERE / "RESULTS.md").write_text(text)
    print(text)  # noqa: T201 - this is a command line


if __name__ == "__main__":
    main()
