from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.testpool import TestPool
    from vispa_panel.workspace.connection import Connection

pytestmark = pytest.mark.pool


async def test_the_portal_reaches_the_login_host_by_ssh_from_where_the_tests_run(
    connection: Connection,
) -> None:
    done = await connection.ssh.run("whoami; hostname", check=True)

    assert done.stdout == "alice\nlogin.pool.test\n"


def test_the_pool_has_two_workers_of_which_one_has_two_gpus(pool: TestPool) -> None:
    slots = pool.run(
        "alice", "condor_status -const PartitionableSlot -af Machine TotalSlotCpus TotalSlotGPUs"
    )

    assert slots.split() == ["w1.pool.test", "8", "0", "w2.pool.test", "8", "2"]
