"""Bytes past the websocket: downloads, pictures and uploads, each by its ticket."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from python_multipart.multipart import MultipartParser, parse_options_header
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, stream_request_body

from vispa_panel.errors import PortalError
from vispa_panel.server.content_policy import FRAMED, USER_CONTENT
from vispa_panel.server.guard import SignedIn
from vispa_panel.server.html import render
from vispa_panel.server.tickets import Download, Picture, Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PICTURES = frozenset(
    {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/svg+xml"}
)
_UNSAFE = re.compile(r"[^A-Za-z0-9 ._()+@-]")


def attachment(name: str) -> str:
    """The disposition header of a file name, whatever it contains (RFC 6266)."""
    base = name.rpartition("/")[2] or "file"
    plain = _UNSAFE.sub("_", base)[:150]
    full = quote(base.encode("utf-8", "surrogateescape")[:255], safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"


class _Ticketed(SignedIn):
    content_policy = USER_CONTENT

    @property
    def sid(self) -> str:
        """Whose tickets count; raises 404 for nobody, as for an unknown ticket."""
        if self.current_user is None:
            raise HTTPError(404)
        return self.current_user.sid


class DownloadHandler(_Ticketed):
    """``/dl/<ticket>``: once, always as an attachment."""

    async def get(self, key: str) -> None:
        """Stream; the reader's pace is the host's."""
        thing = self.portal.tickets.look_up(self.sid, key, Download, once=True)
        if thing is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", attachment(thing.name))
        chunks = thing.stream()
        # The first chunk before the headers: what fails at once can still be said.
        first = await anext(chunks, b"")
        if thing.size is not None:
            self.set_header("Content-Length", str(thing.size))
        try:
            self.write(first)
            await self.flush()
            async for chunk in chunks:
                self.write(chunk)
                await self.flush()
        except StreamClosedError:
            return
        except PortalError:
            # Too late for words: a broken transfer tells the browser that it is not whole.
            self.request.connection.stream.close()  # type: ignore[union-attr]


class PictureHandler(_Ticketed):
    """``/picture/<ticket>``: for an ``<img>`` of ours; opened alone it is only saved."""

    async def get(self, key: str) -> None:
        """The image's bytes."""
        thing = self.portal.tickets.look_up(self.sid, key, Picture)
        if thing is None or thing.media_type not in _PICTURES:
            raise HTTPError(404)
        body = await thing.read()
        self.set_header("Content-Type", thing.media_type)
        self.set_header("Content-Disposition", attachment(thing.name))
        self.set_header("Cache-Control", "private, max-age=3600")
        self.finish(body)


class _Incoming:
    """One file on its way: at most four chunks wait for the host."""

    def __init__(self, upload: Upload, name: str) -> None:
        self.name = name
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(4)
        self._task = asyncio.ensure_future(upload.receive(name, self._read()))

    async def _read(self) -> AsyncIterator[bytes]:
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    async def put(self, chunk: bytes | None) -> None:
        """Hand on a chunk (None is the end); raises what the receiver raised."""
        putting = asyncio.ensure_future(self._chunks.put(chunk))
        await asyncio.wait({putting, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            putting.cancel()
            self._task.result()

    async def finish(self) -> None:
        """Wait until it is stored."""
        await self.put(None)
        await self._task

    async def cancel(self) -> None:
        """The browser went away: the receiver removes what it began."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@stream_request_body
class UploadHandler(_Ticketed):
    """``/up/<ticket>``: a small form, for a frame of our own page."""

    content_policy = FRAMED

    async def prepare(self) -> None:
        """Before any byte of the body: whose it is, and how much it may be."""
        await super().prepare()
        self._events: list[tuple[str, bytes]] = []
        self._part_header: tuple[bytes, bytes] = (b"", b"")
        self._part_headers: dict[bytes, bytes] = {}
        self._file: _Incoming | None = None
        self._arrived: list[str] = []
        self._error = ""
        key = self.request.path.removeprefix("/up/")
        upload = self.portal.tickets.look_up(self.sid, key, Upload)
        if upload is None:
            raise HTTPError(404)
        self._upload = upload
        if self.request.method == "POST":
            limits = self.portal.settings.limits
            connection = self.request.connection
            connection.set_max_body_size(limits.upload_megabytes << 20)  # type: ignore[union-attr]
            connection.set_body_timeout(limits.transfer_minutes * 60)  # type: ignore[union-attr]
            self._parser = self._make_parser()

    def _make_parser(self) -> MultipartParser:
        kind, options = parse_options_header(self.request.headers.get("Content-Type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:  # noqa: PLR2004
            raise HTTPError(400)

        def note(kind: str) -> object:
            return lambda data, start, end: self._events.append((kind, data[start:end]))

        def mark(kind: str) -> object:
            return lambda: self._events.append((kind, b""))

        return MultipartParser(
            boundary,
            {
                "on_part_begin": mark("begin"),
                "on_header_field": note("field"),
                "on_header_value": note("value"),
                "on_header_end": mark("header"),
                "on_headers_finished": mark("headers"),
                "on_part_data": note("data"),
                "on_part_end": mark("end"),
            },  # type: ignore[arg-type]
        )

    async def data_received(self, chunk: bytes) -> None:
        """Parse and hand on; Tornado reads no further before this returns."""
        if self._error:
            return
        try:
            self._parser.write(chunk)
            events, self._events = self._events, []
            for kind, data in events:
                await self._handle(kind, data)
        except PortalError as error:
            self._error, self._file = error.advice, None
        except ValueError:
            self._error = "The upload was not understood."

    async def _handle(self, kind: str, data: bytes) -> None:
        if kind == "begin":
            self._part_headers, self._part_header = {}, (b"", b"")
        elif kind == "field":
            self._part_header = (self._part_header[0] + data, self._part_header[1])
        elif kind == "value":
            self._part_header = (self._part_header[0], self._part_header[1] + data)
        elif kind == "header":
            self._part_headers[self._part_header[0].lower()] = self._part_header[1]
            self._part_header = (b"", b"")
        elif kind == "headers":
            _kind, options = parse_options_header(
                self._part_headers.get(b"content-disposition", b"")
            )
            name = options.get(b"filename", b"").decode("utf-8", "surrogateescape")
            name = re.split(r"[/\\]", name)[-1]
            if name and name not in {".", ".."} and "\0" not in name:
                self._file = _Incoming(self._upload, name)
        elif kind == "data" and self._file is not None:
            await self._file.put(data)
        elif kind == "end" and self._file is not None:
            await self._file.finish()
            self._arrived.append(self._file.name)
            self._file = None

    def get(self, _key: str) -> None:
        """The form."""
        self.finish(render("upload.html", label=self._upload.label))

    async def post(self, _key: str) -> None:
        """What has arrived."""
        if self._file is not None:
            await self._file.cancel()
            self._error = self._error or "The last file did not arrive whole."
        if self._arrived:
            self._upload.finished(tuple(self._arrived))
        if not self._arrived and not self._error:
            self._error = "No file was chosen."
        self.set_status(400 if self._error else 200)
        self.finish(
            render(
                "uploaded.html",
                names=[name.encode("utf-8", "replace").decode() for name in self._arrived],
                error=self._error,
                again=self.request.path,
            )
        )

    def on_connection_close(self) -> None:
        """The browser went away in the middle."""
        if getattr(self, "_file", None) is not None:
            self._closing = asyncio.ensure_future(self._file.cancel())  # type: ignore[union-attr]
