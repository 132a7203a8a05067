"""The way of a key and of a flood: the kept terminal against a bare PTY and against terminado."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import websocket_connect

from bench.row import Row
from tests.support.account import workspace_account
from tests.support.openssh import OpenSshServer
from vispa_panel.workspace.agent_terminals import AgentTerminals
from vispa_panel.workspace.connection import Connection
from vispa_panel.workspace.definition import WorkspaceDefinition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEYS = 300
FLOOD = "seq 1 300000"
FLOOD_BYTES = 2_288_895


def _definition(server: OpenSshServer) -> WorkspaceDefinition:
    return WorkspaceDefinition(
        id="bench",
        name="Bench host",
        host=server.host,
        port=server.port,
        login=server.login,
        key_file=server.key_path,
        host_keys=(server.host_public_key,),
    )


async def _echoes(
    write: Callable[[bytes], None], read: Callable[[], Awaitable[bytes]]
) -> tuple[float, float]:
    """Milliseconds from a key to its echo by ``cat``: median and 95th percentile."""
    write(b"stty -icanon echo; cat > /dev/null\n")
    with contextlib.suppress(TimeoutError):
        while True:  # until the prompt and the command have been drawn
            await asyncio.wait_for(read(), 0.5)
    took = []
    for _ in range(KEYS):
        begun = time.perf_counter()
        write(b"x")
        await read()
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return statistics.median(took), took[int(0.95 * KEYS)]


async def _ours(connection: Connection) -> tuple[tuple[float, float], float]:
    terminals = AgentTerminals(connection.agent)
    terminal_id = await terminals.open()
    stream = await terminals.attach(terminal_id, columns=80, rows=24)

    async def read() -> bytes:
        data = await stream.read()
        stream.acknowledge(len(data))
        return data

    echo = await _echoes(stream.write, read)
    await stream.detach()
    await terminals.close(terminal_id)
    terminal_id = await terminals.open()
    stream = await terminals.attach(terminal_id, columns=80, rows=24)
    begun = time.perf_counter()
    stream.write(f"{FLOOD}; exit\n".encode())
    count = 0
    while data := await read():
        count += len(data)
    seconds = time.perf_counter() - begun
    return echo, count / seconds / 1e6


async def _bare(connection: Connection) -> tuple[float, float]:
    process = await connection.ssh.create_process(
        term_type="xterm", term_size=(80, 24), encoding=None
    )
    echo = await _echoes(process.stdin.write, lambda: process.stdout.read(1 << 16))
    process.close()
    return echo


async def _terminado() -> float:
    """Megabytes a second of the same flood through terminado's websocket."""
    terminado = import_module("terminado")  # installed for the bench alone
    manager = terminado.SingleTermManager(shell_command=["bash"])
    application = Application([(r"/ws", terminado.TermSocket, {"term_manager": manager})])
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(application)
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    client = await websocket_connect(f"ws://127.0.0.1:{port}/ws")
    begun = time.perf_counter()
    await client.write_message(json.dumps(["stdin", f"{FLOOD}; exit\r"]))
    count = 0
    with contextlib.suppress(TimeoutError):
        while count < FLOOD_BYTES:
            message = await asyncio.wait_for(client.read_message(), 30)
            if not isinstance(message, str):
                break
            kind, *rest = json.loads(message)
            if kind == "stdout":
                count += len(rest[0].encode())
    seconds = time.perf_counter() - begun
    client.close()
    await manager.shutdown()
    server.stop()
    return count / seconds / 1e6


async def measure() -> list[Row]:
    """Echo and throughput, each beside its yardstick in the same run."""
    sys.setswitchinterval(0.005)
    with workspace_account() as account:
        server = OpenSshServer(account)
        server.start()
        try:
            connection = Connection(_definition(server))
            await connection.open()
            bare = await _bare(connection)
            ours, flood = await _ours(connection)
            await connection.close()
        finally:
            server.stop()
    peer = await _terminado()
    return [
        Row(
            "echo of a key over SSH, p50",
            f"{ours[0]:.2f} ms",
            f"bare asyncssh PTY {bare[0]:.2f} ms",
            "at most 2 ms more",
            ours[0] - bare[0] <= 2,  # noqa: PLR2004 - the bar
        ),
        Row(
            "echo of a key over SSH, p95",
            f"{ours[1]:.2f} ms",
            f"bare asyncssh PTY {bare[1]:.2f} ms",
            "at most 5 ms more",
            ours[1] - bare[1] <= 5,  # noqa: PLR2004 - the bar
        ),
        Row(
            f"terminal throughput, {FLOOD}",
            f"{flood:.1f} MB/s",
            f"terminado {peer:.1f} MB/s",
            "at least as fast",
            flood >= peer,
        ),
    ]
