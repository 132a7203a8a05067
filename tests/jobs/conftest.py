"""The test pool, and connections to its login host."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.support.testpool import TestPool, shared_pool, why_not
from vispa_panel.workspace.connection import Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def pool() -> Iterator[TestPool]:
    """A real HTCondor pool; skipped with one sentence where there can be none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with shared_pool() as made:
        yield made


@pytest.fixture
async def connection(pool: TestPool) -> AsyncIterator[Connection]:
    """Alice, connected to the login host."""
    made = Connection(pool.definition())
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def folder(pool: TestPool) -> str:
    """A fresh folder of alice, as the pool's hosts name it."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    pool.run("alice", f"mkdir {name}")
    return f"/home/alice/{name}"


@pytest.fixture
def outside(pool: TestPool, folder: str) -> Path:
    """The same folder, seen from outside the pool."""
    return pool.home() / folder.rpartition("/")[2]
