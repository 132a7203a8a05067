"""The door to the files of a workspace, and the values that pass through it.

Paths are absolute POSIX paths as ``str``; bytes that are not UTF-8 stand as surrogate escapes.
Every method raises a :class:`vispa_panel.errors.FileError` for what concerns the file, and
:class:`vispa_panel.errors.NotConnected` when the workspace is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class EntryKind(StrEnum):
    """What stands behind a name in a folder (links are followed; a dangling one is ``LINK``)."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One name in a folder.

    ``size`` in bytes, ``modified`` in seconds since 1970 UTC, ``mode`` the permission bits.
    """

    path: str
    name: str
    kind: EntryKind
    size: int
    modified: float
    mode: int
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class FolderListing:
    """A folder's entries, folders first, then by name; ``truncated`` beyond the asked limit."""

    path: str
    entries: tuple[FileEntry, ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class TextFile:
    r"""A text read for the editor.

    ``digest`` is the SHA-256 (hex) of the file's bytes when it was read whole; for a head of a
    longer file (``truncated``) it is empty and the text is read-only. ``encoding`` is ``utf-8``,
    ``utf-8-sig`` or ``latin-1`` and ``newline`` ``"\n"`` or ``"\r\n"``: saving keeps both.
    """

    path: str
    text: str
    digest: str
    size: int
    encoding: str = "utf-8"
    newline: str = "\n"
    truncated: bool = False
    writable: bool = True


class Files(Protocol):
    """The files of one workspace, seen as its user."""

    async def home(self) -> str:
        """The folder a person starts in."""
        ...

    async def list_folder(self, path: str, *, limit: int = 100_000) -> FolderListing:
        """The entries of a folder."""
        ...

    async def stat(self, path: str) -> FileEntry:
        """One entry."""
        ...

    async def read_text(self, path: str, *, limit: int = 1 << 20) -> TextFile:
        """A text of at most ``limit`` bytes; a longer one is its head, ``truncated``.

        Raises NotText when the bytes are not text.
        """
        ...

    async def save_text(
        self, path: str, text: str, *, expected: TextFile | None, overwrite: bool = False
    ) -> TextFile:
        """Replace the whole file at once (temporary file, sync, rename): old or new, never half.

        ``expected`` is what was read before; when the file's content differs from it now,
        FileConflict is raised unless ``overwrite``. With ``expected=None`` the file must not
        exist yet (FileExists), unless ``overwrite``. Links are followed, permission bits kept.
        """
        ...

    async def read_bytes(self, path: str, *, limit: int) -> bytes:
        """At most ``limit`` bytes from the start."""
        ...

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``, asked for together; shorter beyond the end."""
        ...

    def stream(self, path: str) -> AsyncIterator[bytes]:
        """The file in chunks; the reader's pace is the sender's."""
        ...

    async def receive(self, path: str, chunks: AsyncIterator[bytes]) -> int:
        """Write an upload (temporary file, then rename to a free name); returns its size in bytes.

        Raises FileExists when the name is taken at the end.
        """
        ...

    async def make_folder(self, path: str) -> None:
        """A new folder; its parent must exist."""
        ...

    async def rename(self, path: str, target: str) -> None:
        """Move; raises FileExists rather than replace."""
        ...

    async def delete(self, path: str) -> None:
        """A file, a link (not what it points to), or a whole folder."""
        ...
