"""A connection says what it does, trusts no unknown host, and comes back by itself."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import asyncssh
import pytest

from tests.workspace.conftest import definition_of
from vispa_panel.errors import (
    AgentUnavailable,
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    LoginRefused,
    NotConnected,
)
from vispa_panel.workspace import connection as connection_module
from vispa_panel.workspace.connection import Connection, Pace, Secret
from vispa_panel.workspace.definition import SignIn
from vispa_panel.workspace.pool import ConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.openssh import OpenSshServer

pytestmark = pytest.mark.ssh


async def until(connection: Connection, state: str, seconds: float = 20) -> None:
    reached = asyncio.Event()
    watcher = connection.param.watch(lambda _: reached.set(), "state")
    async with asyncio.timeout(seconds):
        while connection.state != state:
            reached.clear()
            await reached.wait()
    connection.param.unwatch(watcher)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "BACK_OFF", (0.05,))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


async def test_a_connection_is_connected_and_says_so(connection: Connection) -> None:
    assert (connection.state, connection.message) == ("connected", "Connected to Test host.")


async def test_a_foreign_key_is_refused_with_a_next_step(
    sshd: OpenSshServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key = tmp_path_factory.mktemp("key") / "other"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(key))
    connection = Connection(definition_of(sshd, key_file=key))

    with pytest.raises(LoginRefused, match="does not let"):
        await connection.open()
    assert connection.state == "failed"
    assert "Check the login" in connection.message


async def test_a_password_is_used_and_a_wrong_one_refused(sshd: OpenSshServer) -> None:
    if sshd.password is None:
        pytest.skip("off root the account's password is not known")
    definition = definition_of(sshd, sign_in=SignIn.PASSWORD, key_file=None)
    connection = Connection(definition, Secret(password="wrong"))
    with pytest.raises(LoginRefused):
        await connection.open()

    await connection.use(Secret(password=sshd.password))
    assert connection.state == "connected"
    await connection.close()


async def test_without_its_password_a_workspace_asks_for_it(sshd: OpenSshServer) -> None:
    connection = Connection(definition_of(sshd, sign_in=SignIn.PASSWORD, key_file=None))

    with pytest.raises(LoginRefused, match="needs your password"):
        await connection.open()


async def test_an_unknown_host_key_is_refused_and_shown(sshd: OpenSshServer) -> None:
    connection = Connection(definition_of(sshd, host_keys=()))

    with pytest.raises(HostKeyUnknown) as refused:
        await connection.open()
    assert refused.value.public_key.split()[:2] == sshd.host_public_key.split()[:2]
    assert refused.value.fingerprint.startswith("SHA256:")


async def test_a_changed_host_key_is_never_accepted(sshd: OpenSshServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    connection = Connection(definition_of(sshd, host_keys=(other,)))

    with pytest.raises(HostKeyChanged):
        await connection.open()


async def test_a_key_pinned_as_it_was_shown_is_accepted(sshd: OpenSshServer) -> None:
    with pytest.raises(HostKeyUnknown) as refused:
        await Connection(definition_of(sshd, host_keys=())).open()

    connection = Connection(definition_of(sshd, host_keys=(refused.value.public_key,)))
    await connection.open()
    assert connection.state == "connected"
    await connection.close()


async def test_a_host_that_is_down_is_a_sentence(sshd: OpenSshServer, closed_port: int) -> None:
    connection = Connection(definition_of(sshd, port=closed_port))

    with pytest.raises(HostUnreachable, match="does not accept connections"):
        await connection.open()


async def test_something_that_is_no_ssh_server_is_a_sentence(sshd: OpenSshServer) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 50)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(HostUnreachable):
        await Connection(definition_of(sshd, port=port)).open()
    server.close()


async def test_a_broken_connection_comes_back_by_itself(
    fresh_sshd: OpenSshServer, quick: None
) -> None:
    connection = Connection(definition_of(fresh_sshd))
    await connection.open()
    fresh_sshd.end_connections()

    await until(connection, "reconnecting")
    await until(connection, "connected")
    assert (await connection.ssh.run("echo back")).stdout == "back\n"
    await connection.close()


async def test_while_the_server_is_away_everything_says_not_connected(
    fresh_sshd: OpenSshServer, quick: None
) -> None:
    connection = Connection(definition_of(fresh_sshd))
    await connection.open()
    fresh_sshd.stop()
    await until(connection, "reconnecting")

    with pytest.raises(NotConnected):
        await connection.sftp()
    assert "connecting again in" in connection.message
    fresh_sshd.start()
    await until(connection, "connected")
    await connection.close()


async def test_a_silent_connection_is_noticed(sshd: OpenSshServer, quick: None) -> None:
    """A black hole between portal and host: keepalive finds it."""
    silent = asyncio.Event()
    pipes: list[asyncio.Task[None]] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if not silent.is_set():
                writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(sshd.host, sshd.port)
        pipes.append(asyncio.ensure_future(copy(reader, far_writer)))
        pipes.append(asyncio.ensure_future(copy(far_reader, writer)))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = Connection(definition_of(sshd, port=port), pace=Pace(0.2, 2, 5))
    await connection.open()
    silent.set()

    await until(connection, "reconnecting", seconds=5)
    await connection.close()
    server.close()
    for pipe in pipes:
        pipe.cancel()
    await asyncio.gather(*pipes, return_exceptions=True)


async def test_a_shell_that_prints_a_banner_still_gives_an_agent(sshd: OpenSshServer) -> None:
    with sshd.shell_startup("echo 'Welcome to the cluster!'; printf '\\0\\377noise\\n'"):
        connection = Connection(definition_of(sshd))
        await connection.open()
        agent = await connection.agent()

        assert await agent.request("folder.home") == {"path": str(sshd.home)}
        await connection.close()


async def test_a_shell_that_ends_at_once_is_said_in_a_sentence(sshd: OpenSshServer) -> None:
    with sshd.shell_startup("exit 5"):
        connection = Connection(definition_of(sshd))
        await connection.open()

        with pytest.raises(AgentUnavailable, match="still work"):
            await connection.agent()
        await connection.close()


async def test_sessions_of_one_user_share_a_connection_until_the_last_leaves(
    sshd: OpenSshServer,
) -> None:
    pool, definition = ConnectionPool(), definition_of(sshd)
    first, second = pool.lease(1, definition), pool.lease(1, definition)
    other = pool.lease(2, definition)
    await first.open()

    assert first is second
    assert first is not other
    await pool.release(1, definition)
    assert first.state == "connected"
    await pool.release(1, definition)
    assert first.state == "closed"
    await pool.close_all()
