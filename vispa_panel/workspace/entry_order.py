"""The order in which a folder's entries are shown, found without holding the event loop."""

from __future__ import annotations

import asyncio
import heapq
from typing import TYPE_CHECKING

from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.workspace.files import FileEntry

AT_ONCE = 2000
"""Entries that are sorted at once, some 2 ms: CPython lets nobody else run meanwhile."""


def entry_order(entry: FileEntry) -> tuple[bool, str]:
    """Folders first, then by name."""
    return entry.kind is not EntryKind.FOLDER, entry.name.casefold()


async def in_order(entries: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
    """The entries in their order, whatever their number."""
    if len(entries) <= AT_ONCE:
        return tuple(sorted(entries, key=entry_order))
    return await asyncio.to_thread(_merged, entries)


def _merged(entries: Sequence[FileEntry]) -> tuple[FileEntry, ...]:
    # One sort of 100,000 names would be a single step of the interpreter, 100 ms long, even in a
    # thread; short sorted pieces and a merge leave room for the event loop in between.
    pieces = [
        sorted(entries[start : start + AT_ONCE], key=entry_order)
        for start in range(0, len(entries), AT_ONCE)
    ]
    return tuple(heapq.merge(*pieces, key=entry_order))
