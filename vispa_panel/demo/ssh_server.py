"""The demo's SSH server: loopback, one client key, every login in a sandbox and home of its own.

It runs as a process of its own, never inside the portal's: ``python -m
vispa_panel.demo.ssh_server FOLDER`` prints one line of JSON (``port``, ``sandboxed``) once it
listens, and ends with whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from vispa_panel.demo.commands import CommandFailed, Spawner
from vispa_panel.demo.homes import LOGIN, DemoData
from vispa_panel.demo.lifeline import end_with_starter
from vispa_panel.demo.pumps import Outflow, pump_in
from vispa_panel.demo.sandbox import bubblewrap_room, open_room, working_bubblewrap
from vispa_panel.demo.spawner import adopt_orphans, end_everything

if TYPE_CHECKING:
    from vispa_panel.demo.commands import Command

LOOPBACK = "127.0.0.1"
MOST_CHARACTERS = 65535  # in a row or column of a terminal
NOT_STARTED = 126
Process = asyncssh.SSHServerProcess[bytes]


class Houses:
    """The sandboxes of all logins that have been seen, each opened when first needed."""

    def __init__(self, data: DemoData, bubblewrap: str | None) -> None:
        self._data = data
        self._bubblewrap = bubblewrap
        self._spawners: dict[str, Spawner] = {}
        self._opening = asyncio.Lock()

    async def of(self, login: str) -> Spawner:
        """The running sandbox of a login; a new one if the last has ended."""
        async with self._opening:
            spawner = self._spawners.get(login)
            if spawner is not None and spawner.alive:
                return spawner
            if spawner is not None:
                await spawner.close()
            home = await asyncio.to_thread(self._data.home, login)
            if self._bubblewrap is None:
                room = open_room(home)
            else:
                room = await asyncio.to_thread(
                    bubblewrap_room, self._bubblewrap, login, home, self._data.notes
                )
            spawner = self._spawners[login] = Spawner(login, room)
            await spawner.open()
            return spawner

    async def close(self) -> None:
        """End every sandbox."""
        await asyncio.gather(*(spawner.close() for spawner in self._spawners.values()))


class Door(asyncssh.SSHServer):
    """Lets login names in that hold the demo's key; asyncssh checks the signature."""

    def __init__(self, houses: Houses, client: asyncssh.SSHKey) -> None:
        self._houses = houses
        self._client = client

    def public_key_auth_supported(self) -> bool:
        """Keys are the only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Accept one key, for every name that a home may have."""
        return LOGIN.fullmatch(username) is not None and key == self._client

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        """Open a session whose command runs in the login's sandbox."""
        return Session(self._houses)


class Session(Process):
    """One exec, shell or SFTP channel; all of them are commands in the sandbox."""

    def __init__(self, houses: Houses) -> None:
        super().__init__(self._serve, None, 3, allow_scp=False)
        self._houses = houses

    def subsystem_requested(self, subsystem: str) -> bool:
        """Offer SFTP, as a command in the sandbox too."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """Start the command (asyncssh would serve SFTP in this process)."""
        channel = self.channel
        readers = asyncssh.SSHReader[bytes](self, channel)
        out = asyncssh.SSHWriter[bytes](self, channel)
        err = asyncssh.SSHWriter[bytes](self, channel, EXTENDED_DATA_STDERR)
        started = self._start_process(readers, out, err)
        if started is not None:
            channel.get_connection().create_task(started)

    async def _serve(self, process: Process) -> None:
        try:
            spawner = await self._houses.of(str(process.get_extra_info("username")))
            running = await start(process, spawner)
        except (CommandFailed, OSError) as error:
            process.stderr.write(f"{error}\n".encode())
            process.exit(NOT_STARTED)
            return
        gone = asyncio.create_task(process.wait_closed())
        done = asyncio.create_task(running.finish(process))
        await asyncio.wait({gone, done}, return_when=asyncio.FIRST_COMPLETED)
        running.leave()
        for task in (gone, done):
            task.cancel()


def command_line(process: Process, spawner: Spawner) -> list[str]:
    """What a channel asks for, as arguments."""
    if process.subsystem == "sftp":
        worker = spawner.room.programs / "sftp_worker.py"
        client = str(process.get_extra_info("client_version", ""))
        return [sys.executable, "-I", str(worker), str(spawner.room.home), client]
    shell = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
    if process.command is None:
        return [shell, "-l"]
    return [shell, "-c", process.command]


@dataclass(frozen=True)
class Running:
    """A command connected to its channel."""

    command: Command
    outputs: tuple[Outflow, ...]
    input: asyncio.Task[None]
    terminal: bool

    async def finish(self, process: Process) -> None:
        """Wait for the end, send what is still on its way, then the exit status or signal.

        As with sshd, a channel without a terminal ends when the last holder of the command's
        output has closed it; a terminal ends with its first process, after all that has been
        written to it by then.
        """
        status = await self.command.ended
        if self.terminal:
            for output in self.outputs:
                output.stop_when_empty()
        await asyncio.gather(*(output.done for output in self.outputs))
        if status >= 0:
            process.exit(status)
        else:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))

    def leave(self) -> None:
        """Let go of the pipes; what the command does without them is its own affair."""
        self.input.cancel()
        for output in self.outputs:
            output.done.cancel()


async def start(process: Process, spawner: Spawner) -> Running:
    """Start the channel's command and connect its streams."""
    argv = command_line(process, spawner)
    if process.term_type is not None:
        return await _start_in_terminal(process, spawner, argv)
    pipes = [os.pipe() for _ in range(3)]
    (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
    try:
        command = await spawner.start(argv, {}, (stdin, stdout, stderr))
    except BaseException:
        for end in (to_stdin, from_stdout, from_stderr):
            os.close(end)
        raise
    finally:
        for end in (stdin, stdout, stderr):
            os.close(end)
    outputs = (Outflow(from_stdout, process.stdout), Outflow(from_stderr, process.stderr))
    return Running(command, outputs, _feed(process, spawner, command, to_stdin), terminal=False)


async def _start_in_terminal(process: Process, spawner: Spawner, argv: list[str]) -> Running:
    extra = {"TERM": process.term_type or "dumb"}
    columns, rows = (min(max(side, 0), MOST_CHARACTERS) for side in process.term_size[:2])
    command = await spawner.start(argv, extra, terminal=(rows, columns))
    master = command.started.result()
    if master < 0:
        why = "No terminal could be opened"
        raise CommandFailed(why)
    feed = _feed(process, spawner, command, os.dup(master))
    return Running(command, (Outflow(master, process.stdout),), feed, terminal=True)


def _feed(
    process: Process, spawner: Spawner, command: Command, descriptor: int
) -> asyncio.Task[None]:
    async def send_signal(number: int) -> None:
        await spawner.signal(command, number)

    return asyncio.create_task(pump_in(process.stdin, descriptor, send_signal))


async def serve(data: DemoData) -> None:
    """Listen until SIGTERM or SIGINT, then end every sandbox."""
    await asyncio.to_thread(data.prepare)
    bubblewrap = await asyncio.to_thread(working_bubblewrap, data.notes)
    houses = Houses(data, bubblewrap)
    client = asyncssh.read_public_key(f"{data.client_key}.pub")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncssh.create_server(
        lambda: Door(houses, client),
        LOOPBACK,
        0,
        server_host_keys=[str(data.host_key)],
        encoding=None,
        line_editor=False,
        allow_scp=False,
        agent_forwarding=False,
        keepalive_interval=30,
    )
    ready = {"port": server.sockets[0].getsockname()[1], "sandboxed": bubblewrap is not None}
    print(json.dumps(ready), flush=True)  # noqa: T201 - the answer to whoever started this
    await stop.wait()
    server.close()
    await houses.close()


def main() -> None:
    """Serve the data folder named on the command line."""
    adopt_orphans()
    end_with_starter(lambda: end_everything(os.getpid()))
    try:
        asyncio.run(serve(DemoData(Path(sys.argv[1]))))
    finally:
        end_everything(os.getpid())


if __name__ == "__main__":
    main()
