"""The tabs a person has open: two groups side by side, remembered per user and workspace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

MOST_TABS = 40
"""More tabs than this are not remembered."""

Side = Literal["left", "right"]

OTHER: dict[Side, Side] = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: which tool shows which target, on which side."""

    tool: str
    target: str
    side: Side = "left"

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same tab."""
        return (self.tool, self.target)


@dataclass(frozen=True, slots=True)
class OpenTabs:
    """All tabs in order, and the key of the active one of each side."""

    tabs: tuple[Tab, ...] = ()
    active: tuple[tuple[Side, tuple[str, str]], ...] = ()

    def on(self, side: Side) -> tuple[Tab, ...]:
        """The tabs of one side, in order."""
        return tuple(tab for tab in self.tabs if tab.side == side)

    def active_on(self, side: Side) -> Tab | None:
        """The active tab of a side; its last one when none was chosen."""
        key = dict(self.active).get(side)
        tabs = self.on(side)
        return next((tab for tab in tabs if tab.key == key), tabs[-1] if tabs else None)

    def find(self, key: tuple[str, str]) -> Tab | None:
        """The tab with this key."""
        return next((tab for tab in self.tabs if tab.key == key), None)

    def with_active(self, tab: Tab) -> OpenTabs:
        """The same tabs with this one in front on its side."""
        return replace(self, active=tuple((dict(self.active) | {tab.side: tab.key}).items()))

    def opened(self, tab: Tab) -> OpenTabs:
        """With this tab open and active; one that is open already comes to the front."""
        present = self.find(tab.key)
        if present is not None:
            return self.with_active(present)
        return replace(self, tabs=(*self.tabs, tab)).with_active(tab)

    def closed(self, key: tuple[str, str]) -> OpenTabs:
        """Without this tab; its left neighbour becomes active."""
        gone = self.find(key)
        if gone is None:
            return self
        side = self.on(gone.side)
        place = side.index(gone)
        rest = replace(self, tabs=tuple(tab for tab in self.tabs if tab.key != key))
        neighbours = rest.on(gone.side)
        if self.active_on(gone.side) != gone or not neighbours:
            return rest
        return rest.with_active(neighbours[max(place - 1, 0)])

    def moved(self, key: tuple[str, str]) -> OpenTabs:
        """With this tab on the other side."""
        tab = self.find(key)
        if tab is None:
            return self
        other = replace(tab, side=OTHER[tab.side])
        return self.closed(key).opened(other)

    def to_json(self) -> object:
        """As plain values for the portal's memory."""
        return _PLAIN.dump_python(replace(self, tabs=self.tabs[-MOST_TABS:]), mode="json")

    @classmethod
    def from_json(cls, value: object) -> OpenTabs:
        """From the portal's memory; what does not fit any more is no tabs at all."""
        try:
            tabs = _PLAIN.validate_python(value)
        except ValidationError:
            return cls()
        return replace(tabs, tabs=tabs.tabs[-MOST_TABS:])


_PLAIN = TypeAdapter(OpenTabs)
