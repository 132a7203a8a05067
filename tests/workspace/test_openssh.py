"""The server that the tests talk to keeps its own promises."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import asyncssh
import pytest

if TYPE_CHECKING:
    from tests.support.openssh import OpenSshServer

pytestmark = pytest.mark.ssh


async def test_a_login_is_never_root_and_has_a_home_of_its_own(sshd: OpenSshServer) -> None:
    async with asyncssh.connect(
        sshd.host,
        sshd.port,
        username=sshd.login,
        client_keys=[str(sshd.key_path)],
        known_hosts=asyncssh.import_known_hosts(sshd.known_hosts_line),
        config=None,
        agent_path=None,
    ) as connection:
        result = await connection.run('id -u; echo "$HOME"; whoami', check=True)

    assert result.stdout == f"{sshd.account.uid}\n{sshd.home}\n{sshd.login}\n"
    assert sshd.account.uid != 0


async def test_a_file_of_the_workspace_user_is_out_of_reach_without_the_right(
    sshd: OpenSshServer,
) -> None:
    closed = sshd.folder()
    closed.chmod(0o000)

    with pytest.raises(Exception, match="returned non-zero exit status"):
        sshd.run("ls", str(closed))

    assert closed.stat().st_uid == sshd.account.uid


def test_a_stopped_server_comes_back_on_its_port(fresh_sshd: OpenSshServer) -> None:
    port = fresh_sshd.port
    fresh_sshd.stop()

    fresh_sshd.start()

    assert fresh_sshd.port == port
    deadline = time.monotonic() + 10
    while fresh_sshd.connection_ids() and time.monotonic() < deadline:
        time.sleep(0.01)  # the greeting that start() waited for is just being closed
