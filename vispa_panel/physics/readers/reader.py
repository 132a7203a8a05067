"""One or several ROOT files in a reader process, as the portal asks for them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vispa_panel import errors
from vispa_panel.errors import PortalError, ReaderEnded, Superseded, UnreadableData
from vispa_panel.physics import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    import hist

    from vispa_panel.physics.byte_ranges import FileSource, Identity
    from vispa_panel.physics.entries import EntryPage, Event, PairMasses
    from vispa_panel.physics.fits import FitResult, Model
    from vispa_panel.physics.readers.pool import ReaderPool
    from vispa_panel.physics.values import Drawable, Graph, Histogram, ObjectPage

GRACE = 2.0
"""Seconds a cancelled request has to end by itself before its process is ended."""
MOST_ASKED = 64 << 20
MOST_RANGES = 20_000
_ENDED = "The reader of {} ended: the file needs more memory or time than it may take."


class _Process:
    """A running reader: its socket, and the one request it works on."""

    def __init__(
        self, pool: ReaderPool, pid: int, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> None:
        self.held: tuple[str, ...] = ()
        self._pool = pool
        self._pid = pid
        self._reader, self._writer = streams
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether it was ended."""
        return self._is_over

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message; raises ConnectionError when the process has gone."""
        self._writer.write(wire.pack(message))
        await self._writer.drain()

    async def receive(self) -> Any:
        """The next message; raises EOFError when the process has gone, BadMessage for nonsense."""
        head = await self._reader.readexactly(wire.HEADER.size)
        total, _ = wire.lengths(head)
        body = await self._reader.readexactly(total - len(head))
        if total > 1 << 20:
            return await asyncio.to_thread(wire.unpack, head + body)
        return wire.unpack(head + body)

    def end(self) -> None:
        """Kill it."""
        if not self._is_over:
            self._is_over = True
            self._writer.close()
            self._pool.ended(self._pid)


class RootReader:
    """The methods of :class:`~vispa_panel.physics.root_file.RootFile`, answered elsewhere.

    A newer request of the same ``slot`` cancels the older, which raises Superseded. The process is
    made anew when it ended or when the file has changed; it ends by itself when nobody asks.
    """

    def __init__(self, pool: ReaderPool, sources: Sequence[FileSource]) -> None:
        self.files = tuple(source.name for source in sources)
        self._pool = pool
        self._sources = tuple(sources)
        self._process: _Process | None = None
        self._identities: tuple[Identity, ...] = ()
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._slots: dict[str, asyncio.Task[Any]] = {}
        self._idle: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, pool: ReaderPool, source: FileSource | Sequence[FileSource]) -> Self:
        """Open a file, or several with the same trees as one chain; raises PortalError."""
        reader = cls(pool, source if isinstance(source, Sequence) else [source])
        async with reader._turn:
            await reader._fresh_process()
            reader._rest()
        return reader

    @property
    def measures(self) -> tuple[str, ...]:
        """What the process gave up beside memory and time: namespace, landlock, seccomp."""
        return self._process.held if self._process else ()

    async def close(self) -> None:
        """End what runs, and the process."""
        await self.cancel()
        self._end()

    async def cancel(self, slot: str | None = None) -> None:
        """Cancel the request of a slot, or all."""
        tasks = [task for name, task in self._slots.items() if slot in {None, name}]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # -- asking -------------------------------------------------------------------------------

    async def objects(
        self, path: str = "", *, name: str = "", kinds: Sequence[str] = (), start: int = 0,
        limit: int = 500, recursive: bool = False, file: int = 0, slot: str = "objects",
    ) -> ObjectPage:  # fmt: skip
        """See :meth:`RootFile.page`."""
        page: ObjectPage = await self.call(
            "objects", {"path": path, "name": name, "kinds": tuple(kinds), "start": start,
                        "limit": limit, "recursive": recursive, "file": file}, slot=slot,
        )  # fmt: skip
        return page

    async def read(
        self, path: str, *, cycle: int | None = None, file: int = 0, slot: str = "read"
    ) -> Drawable:
        """See :meth:`RootFile.read`."""
        arguments = {"path": path, "cycle": cycle, "number": file}
        value: Drawable = await self.call("read", arguments, slot=slot)
        return value

    async def histogram(
        self, tree: str, expression: str, *, cut: str | None = None, weight: str | None = None,
        bins: Any = None, range: Any = None,  # noqa: A002 - NumPy's word for it
        profile: bool = False, slot: str = "main",
        progress: Callable[[float], None] | None = None,
    ) -> hist.Hist[Any]:  # fmt: skip
        """See :meth:`RootFile.histogram`."""
        found = await self.histograms(
            tree, [expression], cut=cut, weight=weight, bins=bins, range=range, profile=profile,
            slot=slot, progress=progress,
        )  # fmt: skip
        return found[0]

    async def histograms(
        self, tree: str, expressions: Sequence[str], *, cut: str | None = None,
        weight: str | None = None, bins: Any = None,
        range: Any = None,  # noqa: A002 - NumPy's word for it
        profile: bool = False, slot: str = "main",
        progress: Callable[[float], None] | None = None,
    ) -> tuple[hist.Hist[Any], ...]:  # fmt: skip
        """Several expressions with common bins, to be drawn over each other."""
        requests = [
            {"expression": expression, "cut": cut, "weight": weight, "bins": bins, "range": range,
             "profile": profile}
            for expression in expressions
        ]  # fmt: skip
        found: tuple[hist.Hist[Any], ...] = await self.call(
            "histograms", {"tree": tree, "requests": requests}, slot=slot, progress=progress
        )
        return found

    async def fit(
        self, data: hist.Hist[Any] | Histogram | Graph, model: Model, *,
        range: tuple[float, float] | None = None,  # noqa: A002 - NumPy's word for it
        method: str = "chi2", start: Mapping[str, float] | None = None,
        fixed: Sequence[str] = (), slot: str = "fit",
    ) -> FitResult:  # fmt: skip
        """See :func:`vispa_panel.physics.fits.fit`."""
        arguments = {"data": data, "model": model, "range": range, "method": method,
                     "start": dict(start or {}), "fixed": tuple(fixed)}  # fmt: skip
        result: FitResult = await self.call("fit", arguments, slot=slot)
        return result

    async def entries(
        self, tree: str, columns: Sequence[str] = (), *, start: int = 0, limit: int = 50,
        cut: str | None = None, file: int = 0, slot: str = "entries",
    ) -> EntryPage:  # fmt: skip
        """See :func:`vispa_panel.physics.entries.entry_page`."""
        arguments = {"tree": tree, "columns": tuple(columns), "start": start, "limit": limit,
                     "cut": cut, "number": file}  # fmt: skip
        page: EntryPage = await self.call("entries", arguments, slot=slot)
        return page

    async def event(self, tree: str, entry: int, *, file: int = 0, slot: str = "event") -> Event:
        """See :func:`vispa_panel.physics.entries.event`."""
        arguments = {"tree": tree, "entry": entry, "number": file}
        found: Event = await self.call("event", arguments, slot=slot)
        return found

    async def pair_masses(
        self, tree: str, entry: int, group: str, *, file: int = 0, slot: str = "masses"
    ) -> PairMasses:
        """See :func:`vispa_panel.physics.entries.pair_masses`."""
        arguments = {"tree": tree, "entry": entry, "group": group, "number": file}
        found: PairMasses = await self.call("pair_masses", arguments, slot=slot)
        return found

    async def call(
        self, name: str, arguments: dict[str, Any], *, slot: str,
        progress: Callable[[float], None] | None = None,
    ) -> Any:  # fmt: skip
        """Ask for one of :data:`~vispa_panel.physics.readers.requests.REQUESTS`."""
        older = self._slots.get(slot)
        if older is not None:
            older.cancel()
        task = asyncio.get_running_loop().create_task(self._asked(name, arguments, progress))
        self._slots[slot] = task
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():  # not we, but the request was cancelled
                message = "A newer request took this one's place, or it was cancelled."
                raise Superseded(message) from None
            task.cancel()
            raise
        finally:
            if self._slots.get(slot) is task and task.done():
                del self._slots[slot]

    async def _asked(
        self, name: str, arguments: dict[str, Any], progress: Callable[[float], None] | None
    ) -> Any:
        async with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                process = await self._current_process()
                message = {"do": "call", "name": name, "arguments": arguments}
                return await self._answer(process, message, progress)
            except UnreadableData as error:
                if await self._seen() != self._identities:
                    text = "The file was written while it was read: draw it again."
                    raise UnreadableData(text) from error
                raise
            finally:
                self._rest()

    # -- the process --------------------------------------------------------------------------

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._pool.idle_seconds, self._end)

    def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None:
            self._process.end()
            self._process = None

    async def _seen(self) -> tuple[Identity, ...]:
        return tuple([await source.identity() for source in self._sources])

    async def _current_process(self) -> _Process:
        if self._process is not None and not self._process.is_over:
            if await self._seen() == self._identities:
                return self._process
            self._end()
        return await self._fresh_process()

    async def _fresh_process(self) -> _Process:
        self._identities = await self._seen()
        descriptors: list[int] = []
        files = []
        try:
            for source, identity in zip(self._sources, self._identities, strict=True):
                descriptor = await source.descriptor()
                if descriptor is not None:
                    descriptors.append(descriptor)
                files.append(
                    {"name": source.name, "size": identity.size, "local": descriptor is not None}
                )
            connection, pid = await self._pool.new_process(descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        streams = await asyncio.open_unix_connection(sock=connection, limit=1 << 22)
        process = self._process = _Process(self._pool, pid, streams)
        try:
            process.held = tuple((await self._received(process))["held"])
            await self._answer(process, {"do": "open", "files": files}, None)
        except BaseException:
            self._end()
            raise
        return process

    async def _received(self, process: _Process) -> Any:
        try:
            return await process.receive()
        except (EOFError, OSError, wire.BadMessage) as error:
            process.end()
            raise ReaderEnded(_ENDED.format(self.files[0].rpartition("/")[2])) from error

    async def _answer(
        self, process: _Process, message: dict[str, Any], progress: Callable[[float], None] | None
    ) -> Any:
        """The answer to a request, while its bytes are fetched and its progress is told."""
        number = next(self._numbers)
        try:
            async with asyncio.timeout(self._pool.call_seconds):
                await process.send({**message, "id": number})
                return await self._conversation(process, number, progress)
        except asyncio.CancelledError:
            await self._cancelled(process, number)
            raise
        except (TimeoutError, ConnectionError) as error:
            process.end()
            raise ReaderEnded(_ENDED.format(self.files[0].rpartition("/")[2])) from error

    async def _conversation(
        self, process: _Process, number: int, progress: Callable[[float], None] | None
    ) -> Any:
        while True:
            message = await self._received(process)
            kind = message["is"]
            if kind == "ranges":
                await process.send(await self._bytes(message))
            elif message["id"] != number:
                continue
            elif kind == "progress":
                if progress is not None:
                    progress(min(max(float(message["part"]), 0.0), 1.0))
            elif kind == "result":
                return message["value"]
            else:
                raise _error(message)

    async def _bytes(self, message: Any) -> dict[str, Any]:
        """What the reader asked for, within the file and within reason."""
        file = int(message["file"])
        size = self._identities[file].size
        ranges = [(int(start), int(stop)) for start, stop in message["ranges"]][:MOST_RANGES]
        inside = all(0 <= start <= stop for start, stop in ranges)
        if not inside or sum(stop - start for start, stop in ranges) > MOST_ASKED:
            error = ("UnreadableData", "The file is damaged.")
            return {"do": "bytes", "pieces": [], "error": error}
        clipped = [(min(start, size), min(stop, size)) for start, stop in ranges]
        try:
            pieces = await self._sources[file].read_ranges(clipped)
        except PortalError as error:
            return {"do": "bytes", "pieces": [], "error": (type(error).__name__, str(error))}
        return {"do": "bytes", "pieces": list(pieces), "error": None}

    async def _cancelled(self, process: _Process, number: int) -> None:
        """Let the reader end the request by itself, or end the reader."""
        try:
            async with asyncio.timeout(GRACE):
                await process.send({"do": "cancel", "id": number})
                with contextlib.suppress(PortalError):
                    await self._conversation(process, number, None)
        except (TimeoutError, ConnectionError, asyncio.CancelledError):
            process.end()


def _error(message: Any) -> PortalError:
    """The error a reader tells: of our own kinds only."""
    shape = getattr(errors, str(message["kind"]), PortalError)
    text = str(message["message"])[:500]
    if shape is errors.ExpressionError:
        place = message["place"]
        return errors.ExpressionError(text, place=None if place is None else int(place))
    allowed = isinstance(shape, type) and issubclass(shape, errors.DataError | errors.FileError)
    return shape(text) if allowed else UnreadableData(text)
