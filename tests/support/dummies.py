"""Hand-written doors for tests of state: files in memory, runs that a test drives."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import posixpath
from typing import TYPE_CHECKING

from vispa_panel.errors import FileConflict, FileExists, FileMissing, PortalError
from vispa_panel.workspace.files import EntryKind, FileEntry, FolderListing, TextFile
from vispa_panel.workspace.runs import RunInfo, RunState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from vispa_panel.workspace.documents import Draft


class MemoryFiles:
    """Implements the door ``Files`` for texts kept in a dictionary of path to bytes."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.failure: PortalError | None = None
        self.saving = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    def _entry(self, path: str) -> FileEntry:
        name = posixpath.basename(path)
        if path in self.files:
            size = len(self.files[path])
            return FileEntry(path, name, EntryKind.FILE, size, 0.0, 0o644)
        if any(one.startswith(path.rstrip("/") + "/") for one in self.files):
            return FileEntry(path, name, EntryKind.FOLDER, 0, 0.0, 0o755)
        message = f"{path} is not there."
        raise FileMissing(message, path=path)

    async def home(self) -> str:
        return "/home/ada"

    async def stat(self, path: str) -> FileEntry:
        return self._entry(path)

    async def list_folder(self, path: str, *, limit: int = 100_000) -> FolderListing:
        below = path.rstrip("/") + "/"
        names = {one[len(below) :].split("/")[0] for one in self.files if one.startswith(below)}
        entries = [self._entry(below + name) for name in sorted(names)]
        entries.sort(key=lambda entry: entry.kind is not EntryKind.FOLDER)
        return FolderListing(path, tuple(entries[:limit]), truncated=len(entries) > limit)

    async def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.files[path][start:stop] for start, stop in ranges]

    async def read_text(self, path: str, *, limit: int = 1 << 20) -> TextFile:
        if self.failure is not None:
            raise self.failure
        data = self.files.get(path)
        if data is None:
            raise FileMissing(f"{path} is not there.", path=path)
        cut = len(data) > limit
        digest = "" if cut else hashlib.sha256(data).hexdigest()
        return TextFile(path, data[:limit].decode(), digest, len(data), truncated=cut)

    async def save_text(
        self, path: str, text: str, *, expected: TextFile | None, overwrite: bool = False
    ) -> TextFile:
        self.saving.set()
        await self.may_finish.wait()
        if self.failure is not None:
            raise self.failure
        current = self.files.get(path)
        if not overwrite:
            if expected is None and current is not None:
                raise FileExists(f"{path} is there already.", path=path)
            if expected is not None and current is not None:
                digest = hashlib.sha256(current).hexdigest()
                if digest != expected.digest:
                    message = f"{path} changed."
                    raise FileConflict(message, path=path, current_digest=digest)
        self.files[path] = text.encode()
        return await self.read_text(path)

    async def read_bytes(self, path: str, *, limit: int) -> bytes:
        return self.files[path][:limit]

    async def stream(self, path: str) -> AsyncIterator[bytes]:
        yield self.files[path]

    async def receive(self, path: str, chunks: AsyncIterator[bytes]) -> int:
        self.files[path] = b"".join([chunk async for chunk in chunks])
        return len(self.files[path])

    async def make_folder(self, path: str) -> None:
        self.files[posixpath.join(path, ".keep")] = b""

    async def rename(self, path: str, target: str) -> None:
        if target in self.files:
            raise FileExists(f"{target} is there already.", path=target)
        self.files[target] = self.files.pop(path)

    async def delete(self, path: str) -> None:
        del self.files[path]


class MemoryDrafts:
    """Implements ``DraftStore`` in a dictionary."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self.kept = asyncio.Event()

    async def load(self, path: str) -> Draft | None:
        return self.drafts.get(path)

    async def keep(self, path: str, draft: Draft) -> None:
        self.drafts[path] = draft
        self.kept.set()

    async def drop(self, path: str) -> None:
        self.drafts.pop(path, None)


class DrivenRuns:
    """Implements the door ``Runs``: a test writes the output and ends the run."""

    def __init__(self) -> None:
        self.infos: dict[str, RunInfo] = {}
        self.logs: dict[str, bytes] = {}
        self.images: dict[str, tuple[FileEntry, ...]] = {}
        self.stopped: list[str] = []
        self.failure: PortalError | None = None
        self.bytes_read = 0
        self._news = asyncio.Condition()

    async def start(self, command: str, *, folder: str, document: str = "") -> RunInfo:
        run_id = f"run{len(self.infos)}"
        self.infos[run_id] = RunInfo(run_id, command, folder, document, RunState.RUNNING, 1000.0)
        self.logs[run_id] = b""
        return self.infos[run_id]

    async def write(self, run_id: str, data: bytes) -> None:
        """The program prints."""
        self.logs[run_id] += data
        await self._change(run_id, output_size=len(self.logs[run_id]))

    async def end(self, run_id: str, exit_code: int) -> None:
        """The program ends."""
        await self._change(run_id, state=RunState.FINISHED, exit_code=exit_code, ended=1002.5)

    async def _change(self, run_id: str, **news: object) -> None:
        async with self._news:
            self.infos[run_id] = dataclasses.replace(self.infos[run_id], **news)  # type: ignore[arg-type]
            self._news.notify_all()

    async def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)
        await self._change(run_id, state=RunState.STOPPED, exit_code=-2, ended=1001.0)

    async def get(self, run_id: str) -> RunInfo:
        return self.infos[run_id]

    async def list(self, *, document: str | None = None) -> tuple[RunInfo, ...]:
        found = [one for one in self.infos.values() if document in (None, one.document)]
        return tuple(reversed(found))

    async def output(self, run_id: str, *, offset: int, limit: int = 1 << 16) -> bytes:
        piece = self.logs[run_id][offset : offset + limit]
        self.bytes_read += len(piece)
        return piece

    async def follow(self, run_id: str) -> AsyncIterator[RunInfo]:
        seen: RunInfo | None = None
        while seen is None or seen.state is RunState.RUNNING:
            async with self._news:
                while self.infos[run_id] is seen and self.failure is None:
                    await self._news.wait()
            if self.failure is not None:
                raise self.failure
            seen = self.infos[run_id]
            yield seen

    async def fail(self, error: PortalError) -> None:
        """The way to the host breaks."""
        async with self._news:
            self.failure = error
            self._news.notify_all()

    async def pictures(self, run_id: str) -> tuple[FileEntry, ...]:
        return self.images.get(run_id, ())

    async def forget(self, run_id: str) -> None:
        del self.infos[run_id]
