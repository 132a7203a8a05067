"""The keys of a file, folder by folder, also when there are a hundred thousand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import UnreadableData
from vispa_panel.physics.uproot_door import told
from vispa_panel.physics.values import ObjectPage, ObjectRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = ("TDirectory", "TDirectoryFile")
_DEEPEST = 100
_LARGEST_PEEK = 64 << 20
"""Bytes of a stored tree up to which its number of entries is looked up for a list."""
_MOST_PEEKS = 200
"""Trees whose number of entries is looked up for one page."""


class KeyList:
    """The keys below one root directory of uproot; folders are read when they are asked for."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._records: dict[tuple[str, bool], tuple[ObjectRecord, ...]] = {}
        self._keys: dict[str, dict[str, list[Any]]] = {}
        self._entries: dict[tuple[str, int], int | None] = {}

    def records(self, path: str, *, recursive: bool) -> tuple[ObjectRecord, ...]:
        """All records of a folder in the file's order, with the entries of the first trees."""
        records = self._plain(path.strip("/"), recursive=recursive)
        return tuple(self._with_entries(records))

    def page(
        self, path: str, *, name: str, kinds: tuple[str, ...], start: int, limit: int,
        recursive: bool,
    ) -> ObjectPage:  # fmt: skip
        """Some of a folder's records, filtered, and how many pass the filter."""
        wanted = name.casefold()
        found = [
            record
            for record in self._plain(path.strip("/"), recursive=recursive)
            if (not wanted or wanted in record.path.casefold())
            and (not kinds or record.class_name.startswith(kinds))
        ]
        some = found[start : start + limit]
        return ObjectPage(tuple(self._with_entries(some)), start, len(found))

    def key(self, path: str, cycle: int | None) -> Any:
        """Uproot's key of an object (the newest cycle unless one is named), or None."""
        path = path.strip("/")
        name, mark, number = path.rpartition(";")
        if mark and number.isdigit():
            path, cycle = name, int(number)
        folder, _, name = path.rpartition("/")
        keys = self._folder(folder).get(name, [])
        wanted = [key for key in keys if cycle is None or key.fCycle == cycle]
        return max(wanted, key=lambda key: int(key.fCycle), default=None)

    def class_name(self, path: str) -> str:
        """The class of an object, or an empty text."""
        key = self.key(path, None)
        return "" if key is None else str(key.fClassName)

    def _plain(self, path: str, *, recursive: bool) -> tuple[ObjectRecord, ...]:
        if (path, recursive) not in self._records:
            self._records[path, recursive] = tuple(self._walk(path, recursive, 0))
        return self._records[path, recursive]

    def _walk(self, path: str, recursive: bool, depth: int) -> Iterator[ObjectRecord]:  # noqa: FBT001
        for name, keys in self._folder(path).items():
            full = f"{path}/{name}" if path else name
            for key in keys:
                yield ObjectRecord(
                    full,
                    int(key.fCycle),
                    str(key.fClassName),
                    str(key.fTitle),
                    size=int(key.fNbytes),
                )
            if recursive and depth < _DEEPEST and keys[0].fClassName in _FOLDERS:
                yield from self._walk(full, recursive, depth + 1)

    def _folder(self, path: str) -> dict[str, list[Any]]:
        """The keys of a folder by name, older cycles behind newer ones."""
        if path not in self._keys:
            directory = self._root
            if path:
                key = self.key(path, None)
                if key is None or key.fClassName not in _FOLDERS:
                    return {}
                directory = key.get()
            found: dict[str, list[Any]] = {}
            for key in directory._keys:  # noqa: SLF001 - uproot's own view of them is far slower
                found.setdefault(str(key.fName), []).append(key)
            for keys in found.values():
                keys.sort(key=lambda key: -int(key.fCycle))
            self._keys[path] = found
        return self._keys[path]

    def _with_entries(self, records: Any) -> Iterator[ObjectRecord]:
        left = _MOST_PEEKS
        for record in records:
            if record.is_tree and left and record.size <= _LARGEST_PEEK:
                left -= 1
                yield replace(record, entries=self._entries_of(record))
            else:
                yield record

    def _entries_of(self, record: ObjectRecord) -> int | None:
        place = record.path, record.cycle
        if place not in self._entries:
            self._entries[place] = _entries_in(self.key(*place))
        return self._entries[place]


def _entries_in(key: Any) -> int | None:
    """The entries of a tree or ntuple; None where they cannot be found."""
    try:
        with told(str(key.fName)):
            return int(key.get().num_entries)
    except UnreadableData:
        return None
