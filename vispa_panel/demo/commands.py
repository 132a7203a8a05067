"""Starting commands in a login's sandbox and learning how they ended."""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vispa_panel.demo.sandbox import environment
from vispa_panel.demo.spawner import MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.demo.sandbox import Room

STOP_SECONDS = 8.0


@dataclass
class Command:
    """One command under way."""

    identifier: int
    started: asyncio.Future[int]
    """Its terminal's descriptor, or -1 without a terminal."""
    ended: asyncio.Future[int]
    """Its exit status, or minus the number of the signal that ended it."""


class CommandFailed(Exception):
    """A command could not be started; the text says why."""


@dataclass
class Spawner:
    """The demo's side of one login's sandbox; ends with :meth:`close` or when the sandbox dies."""

    login: str
    room: Room
    _commands: dict[int, Command] = field(default_factory=dict)
    _next: int = 0
    _control: socket.socket | None = None
    _process: asyncio.subprocess.Process | None = None

    @property
    def alive(self) -> bool:
        """Whether commands can be started."""
        return self._control is not None

    async def open(self) -> None:
        """Start the sandbox."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *self.room.prefix,
                *(sys.executable, "-I", str(self.room.programs / "spawner.py")),
                *(str(theirs.fileno()), str(self.room.processes)),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env=environment(self.login, self.room),
                cwd=None if self.room.prefix else self.room.home,
                start_new_session=True,
            )
        self._control = ours
        asyncio.get_running_loop().add_reader(ours, self._take_answers)

    async def start(
        self,
        argv: Sequence[str],
        extra: dict[str, str],
        descriptors: Sequence[int] = (),
        *,
        terminal: tuple[int, int] | None = None,
    ) -> Command:
        """Start ``argv``; ``descriptors`` (stdin, stdout, stderr) stay the caller's to close.

        ``terminal`` is the size (rows, columns, 0 to 65535) of a new terminal for it.

        Raises CommandFailed if it cannot be started.
        """
        loop = asyncio.get_running_loop()
        self._next += 1
        command = Command(self._next, loop.create_future(), loop.create_future())
        env = environment(self.login, self.room) | extra
        request = {"id": command.identifier, "argv": list(argv), "env": env, "tty": terminal}
        message = json.dumps(request).encode()
        if len(message) > MESSAGE_BYTES // 2:
            why = "The command is too long"
            raise CommandFailed(why)
        self._commands[command.identifier] = command
        await self._send(message, descriptors)
        await command.started
        return command

    async def signal(self, command: Command, number: int) -> None:
        """Send a signal to the command's process group."""
        with contextlib.suppress(CommandFailed):
            await self._send(json.dumps({"id": command.identifier, "kill": number}).encode(), ())

    async def close(self) -> None:
        """End everything in the sandbox and wait until it is gone."""
        self._lost()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    async def _send(self, message: bytes, descriptors: Sequence[int]) -> None:
        while self._control is not None:
            try:
                socket.send_fds(self._control, [message], list(descriptors))
            except BlockingIOError:
                await asyncio.sleep(0.005)  # its queue is full for a moment
            except OSError:
                self._lost()
            else:
                return
        why = "The sandbox has ended"
        raise CommandFailed(why)

    def _take_answers(self) -> None:
        control = self._control
        if control is None:
            return
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        try:
            data, ancillary, _, _ = control.recvmsg(4096, room, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        descriptors = array.array("i")
        for _, _, content in ancillary:
            descriptors.frombytes(content[: len(content) // 4 * 4])
        taken = False
        try:
            answer = json.loads(data) if data else None
            if not isinstance(answer, dict):
                self._lost()
            else:
                taken = self._take(answer, descriptors[0] if descriptors else -1)
        except ValueError:
            self._lost()  # what lives in the sandbox is not trusted: garbage ends it
        finally:
            for descriptor in descriptors[1 if taken else 0 :]:
                os.close(descriptor)

    def _take(self, answer: dict[str, Any], descriptor: int) -> bool:
        """Note one answer; True if the descriptor has found an owner."""
        command = self._commands.get(answer.get("id", -1))
        if command is None:
            return False
        if "failed" in answer:
            del self._commands[command.identifier]
            if not command.started.done():
                command.started.set_exception(CommandFailed(str(answer["failed"])))
            return False
        if "started" in answer:
            if command.started.done():
                return False
            command.started.set_result(descriptor)
            return True
        status = answer.get("exit", 255) if "exit" in answer else -int(answer.get("signal", 9))
        del self._commands[command.identifier]
        if not command.ended.done():
            command.ended.set_result(status)
        return False

    def _lost(self) -> None:
        """The sandbox is gone: whoever waits for a command learns it."""
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control)
            self._control.close()
            self._control = None
        for command in self._commands.values():
            if not command.started.done():
                command.started.set_exception(CommandFailed("The sandbox has ended"))
            elif not command.ended.done():
                command.ended.set_result(-signal.SIGKILL)
        self._commands.clear()
