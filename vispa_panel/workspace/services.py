"""What a browser session needs of one workspace, put together by the shell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from vispa_panel.workspace.connection import Connection
    from vispa_panel.workspace.documents import DraftStore
    from vispa_panel.workspace.files import Files
    from vispa_panel.workspace.runs import Runs
    from vispa_panel.workspace.terminals import Terminals


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceServices:
    """The doors of one workspace; ``release`` gives the shared connection back."""

    connection: Connection
    files: Files
    runs: Runs
    terminals: Terminals
    drafts: DraftStore
    release: Callable[[], Coroutine[Any, Any, None]]
