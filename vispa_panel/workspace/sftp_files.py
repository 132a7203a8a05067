"""Files by SFTP alone: works on any host, and moves every byte of content."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import secrets
import stat
from typing import TYPE_CHECKING, cast

import asyncssh

from vispa_panel.errors import (
    AccessDenied,
    DiskFull,
    FileConflict,
    FileError,
    FileExists,
    NotAFolder,
    NotText,
    PortalError,
)
from vispa_panel.workspace.entry_order import in_order
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.files import EntryKind, FileEntry, FolderListing, TextFile
from vispa_panel.workspace.sftp_errors import told
from vispa_panel.workspace.text_content import as_bytes, as_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vispa_panel.workspace.connection import Connection

PIECE = 1 << 18
"""Bytes read or written at once."""

RANGES_AT_ONCE = 32
"""Byte ranges of one file that are asked for before the first has come."""

NO_SPACE_LEFT = 1 << 16
"""With less free than this many bytes a failed write is told as a full disk."""


def _kind(permissions: int | None) -> EntryKind:
    mode = permissions or 0
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    return EntryKind.LINK if stat.S_ISLNK(mode) else EntryKind.OTHER


def _entry(path: str, found: asyncssh.SFTPAttrs, *, is_link: bool = False) -> FileEntry:
    return FileEntry(
        path=path,
        name=posixpath.basename(path.rstrip("/")) or "/",
        kind=_kind(found.permissions),
        size=found.size or 0,
        modified=float(found.mtime or 0),
        mode=stat.S_IMODE(found.permissions or 0),
        is_link=is_link,
    )


class SftpFiles:
    """Implements :class:`~vispa_panel.workspace.files.Files` over one connection's SFTP channel."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def home(self) -> str:
        """The definition's base folder, or the account's home."""
        sftp = await self._connection.sftp()
        base = self._connection.definition.base_folder
        with told(base or "the home folder"):
            return str(await sftp.realpath(base or "."))

    # -- looking ------------------------------------------------------------------------------

    async def list_folder(self, path: str, *, limit: int = 100_000) -> FolderListing:
        """The entries of a folder, read while they come."""
        sftp = await self._connection.sftp()
        entries: list[FileEntry] = []
        with told(path):
            if not await sftp.isdir(path):
                await sftp.stat(path)  # says what is wrong with it
                message = f"{display_name(path)} is not a folder."
                raise NotAFolder(message, path=path)
            async for found in sftp.scandir(path):
                name = str(found.filename)
                if name in {".", ".."}:
                    continue
                if len(entries) >= limit:
                    break
                entries.append(await self._behind_link(posixpath.join(path, name), found.attrs))
        return FolderListing(path, await in_order(entries), len(entries) >= limit)

    async def _behind_link(self, path: str, found: asyncssh.SFTPAttrs) -> FileEntry:
        if not stat.S_ISLNK(found.permissions or 0):
            return _entry(path, found)
        sftp = await self._connection.sftp()
        try:
            return _entry(path, await sftp.stat(path), is_link=True)
        except asyncssh.SFTPError:
            return _entry(path, found, is_link=True)

    async def stat(self, path: str) -> FileEntry:
        """One entry, behind links."""
        sftp = await self._connection.sftp()
        with told(path):
            return _entry(path, await sftp.stat(path))

    # -- reading ------------------------------------------------------------------------------

    async def read_text(self, path: str, *, limit: int = 1 << 20) -> TextFile:
        """A text of at most ``limit`` bytes."""
        entry = await self.stat(path)
        if entry.kind is not EntryKind.FILE:
            message = f"{display_name(entry.name)} is not a file that can be edited."
            raise NotText(message, path=path)
        data = await self.read_bytes(path, limit=limit)
        return as_text(entry, data, writable=await self._may_write(path))

    async def _may_write(self, path: str) -> bool:
        sftp = await self._connection.sftp()
        try:
            async with sftp.open(path, asyncssh.FXF_WRITE):
                return True
        except asyncssh.SFTPError:
            return False

    async def read_bytes(self, path: str, *, limit: int) -> bytes:
        """At most ``limit`` bytes from the start."""
        sftp = await self._connection.sftp()
        with told(path):
            async with sftp.open(path, "rb") as file:
                data: bytes = await file.read(limit)
                return data

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each ``(start, stop)``; asked for together, at most 32 at a time."""
        sftp = await self._connection.sftp()
        at_once = asyncio.Semaphore(RANGES_AT_ONCE)
        with told(path):
            async with sftp.open(path, "rb") as file:

                async def read(start: int, stop: int) -> bytes:
                    async with at_once:
                        return cast("bytes", await file.read(stop - start, start))

                return await asyncio.gather(*(read(start, stop) for start, stop in ranges))

    async def stream(self, path: str) -> AsyncIterator[bytes]:
        """The file in pieces."""
        sftp = await self._connection.sftp()
        with told(path):
            async with sftp.open(path, "rb") as file:
                while data := await file.read(PIECE):
                    yield cast("bytes", data)

    # -- writing ------------------------------------------------------------------------------

    async def save_text(
        self, path: str, text: str, *, expected: TextFile | None, overwrite: bool = False
    ) -> TextFile:
        """Replace the whole file at once; see the door for what is promised."""
        sftp = await self._connection.sftp()
        data = as_bytes(text, expected)
        with told(path):
            # A link stays a link: what it points to is replaced.
            target = str(await sftp.realpath(path))
            mode = await self._mode_of(target)
            if mode is not None and not await self._may_write(target):
                message = f"{display_name(path)} may not be written."
                raise AccessDenied(message, path=path)
            temporary = await self._write_beside(target, data, mode)
            try:
                await self._refuse_conflict(target, expected, overwrite=overwrite)
                if expected is None and not overwrite:
                    await self._move_to_free_name(temporary, target)
                else:
                    await sftp.posix_rename(temporary, target)
            except BaseException:
                await self._forget(temporary)
                raise
        entry = await self.stat(path)
        return as_text(entry, data, writable=True)

    async def _mode_of(self, path: str) -> int | None:
        sftp = await self._connection.sftp()
        try:
            return stat.S_IMODE((await sftp.stat(path)).permissions or 0o644)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None

    async def _refuse_conflict(
        self, path: str, expected: TextFile | None, *, overwrite: bool
    ) -> None:
        if overwrite or expected is None:
            return
        digest = hashlib.sha256()
        try:
            async for piece in self.stream(path):
                digest.update(piece)
        except FileError:
            return  # it was removed meanwhile: saving brings it back
        if digest.hexdigest() != expected.digest:
            message = f"{display_name(posixpath.basename(path))} was changed by somebody else."
            raise FileConflict(message, path=path, current_digest=digest.hexdigest())

    async def _write_beside(self, path: str, data: bytes, mode: int | None) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), PIECE):
                yield data[start : start + PIECE]

        temporary, _ = await self._write(path, pieces(), mode)
        return temporary

    async def _write(
        self, path: str, chunks: AsyncIterator[bytes], mode: int | None
    ) -> tuple[str, int]:
        """A whole, synced file under a temporary name beside ``path``, and its size."""
        sftp = await self._connection.sftp()
        folder, name = posixpath.split(path)
        # Long names have no room for a suffix: the temporary one is its own.
        temporary = posixpath.join(folder, f".vispa-{secrets.token_hex(8)}.part")
        size = 0
        try:
            flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_EXCL
            attributes = asyncssh.SFTPAttrs(permissions=0o644 if mode is None else mode)
            async with sftp.open(temporary, flags, attributes, encoding=None) as file:
                async for chunk in chunks:
                    await file.write(chunk, size)
                    size += len(chunk)
                if mode is not None:
                    await file.setstat(asyncssh.SFTPAttrs(permissions=mode))
                await self._sync(file)
        except asyncssh.SFTPError as error:
            try:
                # While the unfinished file still takes its space: afterwards there is room again.
                await self._refuse_full(folder, name, error)
            finally:
                await self._forget(temporary)
            raise
        except BaseException:
            await self._forget(temporary)
            raise
        return temporary, size

    @staticmethod
    async def _sync(file: asyncssh.SFTPClientFile) -> None:
        try:
            await file.fsync()
        except asyncssh.SFTPOpUnsupported:
            return  # an older server: the rename is all there is

    async def _refuse_full(self, folder: str, name: str, error: Exception) -> None:
        """SFTP has no word for a full disk: look whether it is one."""
        if not isinstance(error, asyncssh.SFTPFailure):
            return
        sftp = await self._connection.sftp()
        try:
            space = await sftp.statvfs(folder)
        except (asyncssh.Error, OSError):
            return
        free = (space.bavail or 0) * (space.frsize or 1)
        if free <= NO_SPACE_LEFT:
            message = f"The disk is full ({free:,} bytes free): {display_name(name)} is as before."
            raise DiskFull(message, path=posixpath.join(folder, name)) from error
        # A quota shows in no count of free bytes.
        message = f"{display_name(name)} was not written; it is as before."
        step = "Look whether your quota on the host is used up, then save again."
        raise FileError(message, path=posixpath.join(folder, name), next_step=step) from error

    async def _forget(self, temporary: str) -> None:
        """Remove what was begun, even while the caller is being cancelled."""

        async def remove() -> None:
            try:
                await (await self._connection.sftp()).remove(temporary)
            except (asyncssh.Error, OSError, PortalError):
                return  # the connection is gone; nothing of the old file was touched

        await asyncio.shield(remove())

    async def _move_to_free_name(self, temporary: str, target: str) -> None:
        """Give it its name unless that is taken: a hard link never replaces anything."""
        sftp = await self._connection.sftp()
        try:
            await sftp.link(temporary, target)
        except asyncssh.SFTPError as error:
            if await sftp.lexists(target):
                name = display_name(posixpath.basename(target))
                message = f"{name} is there already."
                raise FileExists(message, path=target, next_step="Choose another name.") from error
            # No hard links here (some network disks): SFTP's own rename does not replace either.
            await sftp.rename(temporary, target)
            return
        await sftp.remove(temporary)

    async def receive(self, path: str, chunks: AsyncIterator[bytes]) -> int:
        """Write an upload; its name appears when it is whole."""
        with told(path):
            sftp = await self._connection.sftp()
            if await sftp.lexists(path):
                name = display_name(posixpath.basename(path))
                message = f"{name} is there already."
                raise FileExists(message, path=path, next_step="Rename one of them first.")
            temporary, size = await self._write(path, chunks, None)
            try:
                await self._move_to_free_name(temporary, path)
            except BaseException:
                await self._forget(temporary)
                raise
        return size

    # -- changing -----------------------------------------------------------------------------

    async def make_folder(self, path: str) -> None:
        """A new folder."""
        sftp = await self._connection.sftp()
        with told(path):
            if await sftp.lexists(path):
                message = f"{display_name(posixpath.basename(path))} is there already."
                raise FileExists(message, path=path, next_step="Choose another name.")
            await sftp.mkdir(path)

    async def rename(self, path: str, target: str) -> None:
        """Move without replacing."""
        sftp = await self._connection.sftp()
        with told(path):
            if await sftp.lexists(target):
                message = f"{display_name(posixpath.basename(target))} is there already."
                raise FileExists(message, path=target, next_step="Choose another name.")
            await sftp.rename(path, target)

    async def delete(self, path: str) -> None:
        """Remove a file, a link itself, or a folder with all that is in it."""
        sftp = await self._connection.sftp()
        with told(path):
            found = await sftp.lstat(path)
            if stat.S_ISDIR(found.permissions or 0):
                await sftp.rmtree(path)
            else:
                await sftp.remove(path)
