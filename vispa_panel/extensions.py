"""The registry of tools: what opens which file, and what stands in the launcher.

Every built-in tool is registered in the same way as a stranger's extension: an installed package
names a function in the entry-point group ``vispa_panel.tools``; it is called once per process with
the :class:`Registry`.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from vispa_panel.workspace.files import FileEntry

ENTRY_POINTS = "vispa_panel.tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One kind of tab.

    ``build(context, target)`` makes the view when the tab is first shown; ``target`` is a path or
    an identifier, as the tool likes. ``opens`` says how well the tool shows a file: 0 not at all,
    10 as plain content, 50 made for this kind. ``launch`` makes a new target for the launcher's
    button ``launcher_label``; without it the tool has none there. ``closed`` tidies up after the
    person closed the tab. ``icon`` is the name of a Material icon. The callables get the page's
    context (``build``) or the session's controller (all others) first.
    """

    name: str
    icon: str
    build: Callable[[Any, str], Any]
    title: Callable[[Any, str], str]
    opens: Callable[[FileEntry], int] = field(default=lambda _: 0)
    launcher_label: str = ""
    launch: Callable[[Any], Awaitable[str]] | None = None
    closed: Callable[[Any, str], Awaitable[None]] | None = None


class Registry:
    """The tools of this process, by name."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        """Register a tool; raises ValueError when the name is taken."""
        if tool.name in self._tools:
            message = f"a tool named {tool.name!r} is registered already"
            raise ValueError(message)
        self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        """The tool of that name, if it is (still) installed."""
        return self._tools.get(name)

    def for_file(self, entry: FileEntry) -> Tool | None:
        """The tool that shows this file best; None when none can."""
        best = max(self._tools.values(), key=lambda tool: tool.opens(entry), default=None)
        return best if best is not None and best.opens(entry) > 0 else None

    def launcher(self) -> tuple[Tool, ...]:
        """The tools with a button in the launcher, in the order of registration."""
        return tuple(tool for tool in self._tools.values() if tool.launch is not None)

    def load_installed(self) -> None:
        """Let every installed extension register its tools."""
        for entry_point in importlib.metadata.entry_points(group=ENTRY_POINTS):
            entry_point.load()(self)
