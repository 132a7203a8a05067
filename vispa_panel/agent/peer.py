"""One side of a conversation: frames in, requests answered side by side, frames out."""

import asyncio
import errno

from .protocol import FrameParser, Refused, encode

READ = 1 << 16
MOST_EARLY = 64
"""Frames that may come for a request before it has begun to listen."""


class Call:
    """One request under way: its parameters, what flows to it, and its way back."""

    def __init__(self, peer, number, params):
        self.number = number
        self.params = params
        self._peer = peer
        self._on_input = None
        self._on_credit = None
        self._early = []

    async def item(self, value, data=b""):
        """Send one item; waits while the other side does not read."""
        self._peer.send({"id": self.number, "item": value}, data)
        await self._peer.drain()

    def post(self, value, data=b""):
        """Send one item without waiting; for senders that keep to a credit."""
        self._peer.send({"id": self.number, "item": value}, data)

    def listen(self, on_input, on_credit):
        """Hand over what flows to the request, first what came before it had begun."""
        self._on_input = on_input
        self._on_credit = on_credit
        early, self._early = self._early, []
        for header, payload in early:
            self.feed(header, payload)

    def feed(self, header, payload):
        """Take a frame for this request."""
        if self._on_input is None:
            if len(self._early) < MOST_EARLY:
                self._early.append((header, payload))
            return
        credit = header.get("credit")
        if header.get("input"):
            self._on_input(payload)
        elif type(credit) is int and credit > 0 and self._on_credit is not None:
            self._on_credit(credit)

    def text(self, name, default=None):
        """A parameter that must be text."""
        value = self.params.get(name, default)
        if not isinstance(value, str):
            raise Refused("bad-request", "%s must be text" % name)
        return value

    def count(self, name, default, most):
        """A parameter that must be a whole number from 0 to ``most``."""
        value = self.params.get(name, default)
        if type(value) is not int or not 0 <= value <= most:
            raise Refused("bad-request", "%s must be from 0 to %d" % (name, most))
        return value


class Peer:
    """Serves ``methods`` (name to coroutine function of a Call and bytes) on two streams."""

    def __init__(self, reader, writer, methods, other=None):
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._other = other
        self._calls = {}
        self._tasks = {}

    def send(self, header, data=b""):
        """Queue a frame."""
        if not self._writer.is_closing():
            self._writer.write(encode(header, data))

    async def drain(self):
        """Wait until the other side has read enough."""
        await self._writer.drain()

    async def serve(self):
        """Answer until the other side hangs up; then every request under way is cancelled."""
        parser = FrameParser()
        try:
            while True:
                data = await self._reader.read(READ)
                if not data:
                    return
                for header, payload in parser.feed(data):
                    await self._take(header, payload)
        except (ConnectionError, BrokenPipeError):
            return
        finally:
            for task in list(self._tasks.values()):
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._writer.close()

    async def _take(self, header, payload):
        number, method = header.get("id"), header.get("method", "")
        if type(number) is not int or not isinstance(method, str):
            self.send({"id": -1, "error": Refused("garbage", "not a frame").as_value()})
        elif "method" in header:
            if header["method"] in self._methods:
                self._begin(number, header, payload)
            elif self._other is not None:
                await self._other(header, payload)
            else:
                error = Refused("unknown-method", "no such method")
                self.send({"id": number, "error": error.as_value()})
        elif number not in self._tasks:
            if self._other is not None:
                await self._other(header, payload)
        elif header.get("cancel"):
            self._tasks[number].cancel()
        else:
            self._calls[number].feed(header, payload)

    def _begin(self, number, header, payload):
        if number in self._tasks:
            error = Refused("bad-request", "this id is in use")
            self.send({"id": number, "error": error.as_value()})
            return
        params = header.get("params")
        call = Call(self, number, params if isinstance(params, dict) else {})
        self._calls[number] = call
        task = asyncio.ensure_future(self._answer(call, header["method"], payload))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._forget(number))

    def _forget(self, number):
        self._tasks.pop(number, None)
        self._calls.pop(number, None)

    async def _answer(self, call, method, payload):
        try:
            result = await self._methods[method](call, payload)
            self.send({"id": call.number, "result": result or {}})
        except Refused as error:
            self.send({"id": call.number, "error": error.as_value()})
        except OSError as error:
            self.send({"id": call.number, "error": from_os_error(error).as_value()})
        except asyncio.CancelledError:
            self.send({"id": call.number, "error": {"code": "cancelled", "message": "cancelled"}})
            raise
        except Exception as error:  # noqa: BLE001 - the one edge: a fault is told, the agent lives
            text = "%s: %s" % (type(error).__name__, error)
            self.send({"id": call.number, "error": {"code": "fault", "message": text[:300]}})


def from_os_error(error):
    """An operating system's error as a Refused."""
    codes = {
        errno.ENOENT: "missing",
        errno.EACCES: "denied",
        errno.EPERM: "denied",
        errno.EEXIST: "exists",
        errno.ENOTDIR: "not-a-folder",
        errno.EISDIR: "is-a-folder",
        errno.ENOSPC: "full",
        errno.EDQUOT: "full",
        errno.EROFS: "denied",
        errno.ELOOP: "missing",
        errno.ENAMETOOLONG: "missing",
    }
    name = error.filename
    if isinstance(name, bytes):
        name = name.decode("utf-8", "surrogateescape")
    path = name if isinstance(name, str) else ""
    return Refused(codes.get(error.errno, "failed"), error.strerror or str(error), path)
