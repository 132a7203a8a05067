"""What every test may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.account import WorkspaceAccount, workspace_account
from tests.support.openssh import MISSING, OpenSshServer, find_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def account() -> Iterator[WorkspaceAccount]:
    """The workspace user: never root, with an empty home."""
    with workspace_account() as made:
        yield made


@pytest.fixture(scope="session")
def sshd(account: WorkspaceAccount) -> Iterator[OpenSshServer]:
    """A real OpenSSH server for everybody; a test that stops one uses ``fresh_sshd``."""
    yield from _running(account)


@pytest.fixture
def fresh_sshd(account: WorkspaceAccount) -> Iterator[OpenSshServer]:
    """A server of the test's own, with the same account: it may be stopped and started again."""
    yield from _running(account)


def _running(account: WorkspaceAccount) -> Iterator[OpenSshServer]:
    if find_sshd() is None:
        pytest.fail(MISSING)
    server = OpenSshServer(account)
    server.start()
    try:
        yield server
    finally:
        server.stop()
