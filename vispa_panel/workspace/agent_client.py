"""The portal's end of the conversation with the agent: requests, streams, errors."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from vispa_panel.agent.protocol import MARKER, VERSION, FrameParser, encode
from vispa_panel.errors import (
    AccessDenied,
    AgentError,
    DiskFull,
    FileExists,
    FileMissing,
    NotAFolder,
    NotConnected,
    PortalError,
)
from vispa_panel.workspace.file_names import display_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READ = 1 << 18
MOST_BANNER = 1 << 20
"""Bytes that a login shell may print before the agent's hello."""

HELLO = 20.0
"""Seconds in which the agent must say hello."""

MOST_WAITING = 256
"""Items of one stream that wait for their reader; then the whole conversation waits."""


class Reader(Protocol):
    """What the client reads from: an SSH channel or a pipe."""

    async def read(self, n: int = ..., /) -> bytes:
        """At most ``n`` bytes; none at the end."""
        ...


class Writer(Protocol):
    """What the client writes to."""

    def write(self, data: bytes, /) -> None:
        """Queue bytes."""
        ...

    async def drain(self) -> None:
        """Wait until there is room for more."""
        ...

    def close(self) -> None:
        """No more is sent."""
        ...


_SENTENCES = {
    "missing": (FileMissing, "{name} is not there (any more)."),
    "denied": (AccessDenied, "Your account on the host may not do this with {name}."),
    "exists": (FileExists, "{name} is there already."),
    "not-a-folder": (NotAFolder, "{name} is not a folder."),
    "full": (DiskFull, "The disk or your quota is full."),
}


def _as_error(value: object, path: str) -> PortalError:
    told = value if isinstance(value, dict) else {}
    code, message = str(told.get("code", "")), str(told.get("message", ""))[:300]
    if code in _SENTENCES:
        kind, sentence = _SENTENCES[code]
        name = display_name(path.rstrip("/").rpartition("/")[2] or path) or "This"
        return kind(sentence.format(name=name), path=path)
    return AgentError(f"The host could not do this: {message or code or 'no reason given'}.")


class Call:
    """One request under way; iterate it for its items, then ``result`` holds the answer."""

    def __init__(self, client: AgentClient, number: int, path: str) -> None:
        self.result: dict[str, Any] = {}
        self._client = client
        self._number = number
        self._path = path
        self._waiting: deque[tuple[dict[str, Any], bytes]] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._over = False

    async def deliver(self, header: dict[str, Any], data: bytes) -> None:
        """Take a frame that came for this request."""
        await self._room.wait()
        self._waiting.append((header, data))
        self._changed.set()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()

    def break_off(self) -> None:
        """The conversation has ended: whoever waits is told."""
        self._waiting.append(({"broken": True}, b""))
        self._changed.set()
        self._room.set()

    async def next(self) -> tuple[dict[str, Any], bytes] | None:
        """The next item and its bytes; None at the end. Raises what the agent refused."""
        if self._over:
            return None
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        header, data = self._waiting.popleft()
        self._room.set()
        if "item" in header:
            item = header["item"]
            return (item if isinstance(item, dict) else {}), data
        self._over = True
        self._client.forget(self._number)
        if "broken" in header:
            message = "The connection to the workspace was lost."
            raise NotConnected(message)
        if "error" in header:
            raise _as_error(header["error"], self._path)
        result = header.get("result")
        self.result = result if isinstance(result, dict) else {}
        return None

    async def next_bytes(self, most: int) -> bytes:
        """The bytes of the next items, as many as are there; ``b""`` at the end."""
        item = await self.next()
        if item is None:
            return b""
        pieces, count = [item[1]], len(item[1])
        while count < most and self._waiting and "item" in self._waiting[0][0]:
            item = await self.next()
            if item is not None:
                pieces.append(item[1])
                count += len(item[1])
        return b"".join(pieces)

    async def __aiter__(self) -> AsyncIterator[tuple[dict[str, Any], bytes]]:
        try:
            while (item := await self.next()) is not None:
                yield item
        finally:
            self.cancel()

    def send(self, data: bytes) -> None:
        """Bytes for the request, such as keys typed."""
        self._client.post({"id": self._number, "input": True}, data)

    def credit(self, count: int) -> None:
        """Let a paced request send more."""
        self._client.post({"id": self._number, "credit": count})

    def cancel(self) -> None:
        """The answer is not wanted any more."""
        if not self._over:
            self._over = True
            self._client.forget(self._number)
            self._client.post({"id": self._number, "cancel": True})
            self.break_off()


class AgentClient:
    """Talks to one agent; ends with its channel."""

    def __init__(self, reader: Reader, writer: Writer, rest: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._closed = False
        self._task = asyncio.get_running_loop().create_task(self._listen(rest))

    @classmethod
    async def start(cls, reader: Reader, writer: Writer) -> AgentClient | None:
        """Wait for the agent's hello, past any banner; None when it ends without one.

        Raises AgentError for another protocol version or a host that prints without end.
        """
        seen = b""
        try:
            async with asyncio.timeout(HELLO):
                while True:
                    start = seen.find(MARKER)
                    end = seen.find(b"\n", start) if start >= 0 else -1
                    if end >= 0:
                        break
                    data = await reader.read(READ)
                    if not data:
                        return None
                    seen += data
                    if len(seen) > MOST_BANNER:
                        message = "The host prints too much before it lets anyone work."
                        raise AgentError(message, next_step="Look at its login scripts.")
        except TimeoutError as error:
            message = "The helper program on the host does not answer."
            raise AgentError(message, next_step="Connect again.") from error
        if seen[start + len(MARKER) : end] != b"%d" % VERSION:
            message = "The helper program on the host speaks another version."
            raise AgentError(message)
        return cls(reader, writer, seen[end + 1 :])

    @property
    def closed(self) -> bool:
        """Whether the conversation has ended."""
        return self._closed

    def post(self, header: dict[str, Any], data: bytes = b"") -> None:
        """Queue a frame; frames of a conversation that has ended go nowhere."""
        if not self._closed:
            try:
                self._writer.write(encode(header, data))
            except (OSError, RuntimeError):
                self._end()

    def forget(self, number: int) -> None:
        """A request is over."""
        self._calls.pop(number, None)

    def call(self, method: str, data: bytes = b"", **params: Any) -> Call:  # noqa: ANN401
        """Begin a request; parameters are plain values.

        Raises NotConnected when the conversation has ended.
        """
        if self._closed:
            message = "The connection to the workspace is away."
            raise NotConnected(message)
        number = next(self._numbers)
        path = params.get("path") or params.get("folder") or ""
        self._calls[number] = call = Call(self, number, str(path))
        self.post({"id": number, "method": method, "params": params}, data)
        return call

    async def request(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        """A request without items: its result."""
        call = self.call(method, **params)
        async for _ in call:
            pass
        return call.result

    async def close(self) -> None:
        """End the conversation; what the keeper holds lives on."""
        self._end()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._writer.close()
            for call in list(self._calls.values()):
                call.break_off()

    async def _listen(self, data: bytes) -> None:
        parser = FrameParser()
        try:
            while True:
                for header, payload in parser.feed(data):
                    number = header.get("id")
                    call = self._calls.get(number) if isinstance(number, int) else None
                    if call is not None:
                        await call.deliver(header, payload)
                data = await self._reader.read(READ)
                if not data:
                    return
        except OSError:
            return  # the channel broke; whoever waits is told below
        finally:
            self._end()
