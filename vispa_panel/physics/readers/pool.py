"""The portal's side of the process that readers are forked from, and how many there may be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from typing import TYPE_CHECKING

from vispa_panel.errors import ReaderEnded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

START_SECONDS = 60.0


class ReaderPool:
    """Makes reader processes; one pool a portal.

    ``limit`` processes at once, ``memory`` bytes and ``cpu_seconds`` for each beyond what it
    starts with, ``call_seconds`` for one request, ``idle_seconds`` until an unused one ends.
    """

    def __init__(
        self,
        *,
        limit: int = 8,
        memory: int = 2 << 30,
        cpu_seconds: int = 1200,
        call_seconds: float = 300.0,
        idle_seconds: float = 300.0,
    ) -> None:
        self.limit = limit
        self.call_seconds = call_seconds
        self.idle_seconds = idle_seconds
        self._limits = {"memory": memory, "cpu_seconds": cpu_seconds}
        self._control: socket.socket | None = None
        self._server: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._places = asyncio.Semaphore(limit)

    async def start(self) -> None:
        """Start the server process, if it does not run."""
        async with self._turn:
            await self._start()

    async def _start(self) -> None:
        if self._server is not None and self._server.returncode is None and self._control:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        with theirs:
            self._server = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "vispa_panel.physics.readers.server",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd="/",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        self._control = ours
        await self._answer()

    async def _answer(self) -> dict[str, int]:
        if self._control is None:
            raise ReaderEnded(_NO_SERVER)
        loop = asyncio.get_running_loop()
        try:
            text = await asyncio.wait_for(loop.sock_recv(self._control, 1 << 16), START_SECONDS)
        except (OSError, TimeoutError) as error:
            raise ReaderEnded(_NO_SERVER) from error
        if not text:
            self._control.close()
            self._control = None
            raise ReaderEnded(_NO_SERVER)
        found: dict[str, int] = json.loads(text)
        return found

    async def new_process(self, descriptors: Sequence[int]) -> tuple[socket.socket, int]:
        """A new reader with open files: its socket and its number; waits for a free place.

        Give the place back by :meth:`ended`.
        """
        await self._places.acquire()
        try:
            async with self._turn:
                await self._start()
                ours, theirs = socket.socketpair()
                ours.settimeout(0)
                with theirs:
                    if self._control is None:
                        raise ReaderEnded(_NO_SERVER)  # noqa: TRY301 - the cleanup below is for it too
                    message = json.dumps({"start": self._limits}).encode()
                    socket.send_fds(self._control, [message], [theirs.fileno(), *descriptors])
                return ours, (await self._answer())["pid"]
        except BaseException:
            self._places.release()
            raise

    def ended(self, pid: int) -> None:
        """Kill a reader, if it still runs, and give its place to another."""
        self._places.release()
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(json.dumps({"kill": pid}).encode())

    async def close(self) -> None:
        """End the server and with it every reader."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._server is not None:
            try:
                await asyncio.wait_for(self._server.wait(), 5)
            except TimeoutError:
                self._server.kill()
                await self._server.wait()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


_NO_SERVER = "The process that reads data files does not start."


def _environment() -> dict[str, str]:
    """Nothing of the portal's but where modules are; no threads that a limit on memory forbids."""
    one = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    )
    modules = os.pathsep.join(path for path in sys.path if path)
    return {"PYTHONPATH": modules, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **one}
