from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.server.portal import RunningPortal, running_portal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[RunningPortal]:
    async with running_portal(tmp_path) as running:
        yield running
