"""A terminal is kept on the host: it waits for slow readers, obeys Ctrl+C, and can be left."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from vispa_panel.workspace.agent_terminals import AgentTerminals

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.conftest import Host
    from vispa_panel.workspace.agent_client import AgentClient
    from vispa_panel.workspace.terminals import TerminalStream


async def until(stream: TerminalStream, wanted: bytes, *, acknowledge: bool = True) -> bytes:
    seen = b""
    async with asyncio.timeout(20):
        while wanted not in seen:
            data = await stream.read()
            assert data, seen
            seen += data
            if acknowledge:
                stream.acknowledge(len(data))
    return seen


async def attached(terminals: AgentTerminals) -> tuple[str, TerminalStream]:
    terminal_id = await terminals.open()
    return terminal_id, await terminals.attach(terminal_id, columns=80, rows=24)


async def test_what_is_typed_is_run(terminals: AgentTerminals) -> None:
    _, stream = await attached(terminals)

    stream.write(b"echo he''llo\n")
    await until(stream, b"hello")


async def test_a_terminal_outlives_its_connection_with_its_scrollback(host: Host) -> None:
    client = await host.start()

    async def first() -> AgentClient:
        return client

    terminal_id, stream = await attached(AgentTerminals(first))
    stream.write(b"x=kept; echo be''fore\n")
    await until(stream, b"before")
    host.processes[0].kill()
    await host.processes[0].wait()
    await client.close()
    again = await host.start()

    async def second() -> AgentClient:
        return again

    stream = await AgentTerminals(second).attach(terminal_id, columns=80, rows=24)
    await until(stream, b"before")
    stream.write(b"echo $x''!\n")
    await until(stream, b"kept!")
    await again.close()


async def test_ctrl_c_acts_during_a_flood(terminals: AgentTerminals) -> None:
    _, stream = await attached(terminals)
    stream.write(b"yes\n")
    await until(stream, b"y\r\n" * 20_000)

    begun = time.monotonic()
    stream.write(b"\x03echo st''opped\n")
    await until(stream, b"stopped")
    assert time.monotonic() - begun < 10


async def test_a_reader_that_does_not_acknowledge_stops_the_flood(
    terminals: AgentTerminals,
) -> None:
    _, stream = await attached(terminals)
    stream.write(b"seq 1 300000; echo al''l\n")

    received = 0
    try:
        async with asyncio.timeout(1):
            while True:
                received += len(await stream.read())
    except TimeoutError:
        pass
    assert 100_000 < received <= 1 << 18
    stream.acknowledge(received)
    await until(stream, b"all")


async def test_the_size_reaches_the_program(terminals: AgentTerminals) -> None:
    _, stream = await attached(terminals)

    stream.resize(101, 33)
    stream.write(b"stty size\n")
    await until(stream, b"33 101")


async def test_questions_of_the_past_are_not_asked_again(terminals: AgentTerminals) -> None:
    terminal_id, stream = await attached(terminals)
    stream.write(b"printf '\\033[6n\\033[c\\005'; echo as''ked\n")
    await until(stream, b"asked\r\n")

    again = await terminals.attach(terminal_id, columns=80, rows=24)
    seen = await until(again, b"asked\r\n")
    assert b"\x1b[6n" not in seen
    assert b"\x1b[c" not in seen


async def test_two_watchers_see_the_same(terminals: AgentTerminals) -> None:
    terminal_id, one = await attached(terminals)
    other = await terminals.attach(terminal_id, columns=80, rows=24)

    one.write(b"echo bo''th\n")
    await until(one, b"both")
    await until(other, b"both")


async def test_the_title_is_one_line_of_plain_text(terminals: AgentTerminals) -> None:
    terminal_id, stream = await attached(terminals)
    stream.write(b"printf '\\033]0;<b>%0100d\\001\\007'; echo do''ne\n")
    await until(stream, b"done\r\n")

    info = next(one for one in await terminals.list() if one.id == terminal_id)
    assert info.title.startswith("<b>000")
    assert len(info.title) <= 80
    assert info.title.isprintable()


async def test_closing_ends_the_shell_and_what_it_started(
    terminals: AgentTerminals, host: Host
) -> None:
    terminal_id, stream = await attached(terminals)
    stream.write(b"nohup sleep 1000 & echo st''arted\n")
    await until(stream, b"started\r\n")

    await terminals.close(terminal_id)
    assert await terminals.list() == ()
    assert not any(_is(pid, b"sleep") for pid in host.keeper_ids())


def _is(pid: int, program: bytes) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return file.read().startswith(program)
    except OSError:
        return False


async def test_the_end_of_the_shell_is_told(terminals: AgentTerminals) -> None:
    _, stream = await attached(terminals)

    stream.write(b"exit 3\n")
    async with asyncio.timeout(20):
        while data := await stream.read():
            stream.acknowledge(len(data))


async def test_the_keepers_socket_is_the_users_alone(client: AgentClient, host: Host) -> None:
    assert not client.closed
    folder: Path = host.base / "cache" / "vispa"
    sockets = list(folder.glob("keeper-*.sock"))

    assert len(sockets) == 1
    assert sockets[0].stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sockets[0].stat().st_uid == os.geteuid()
