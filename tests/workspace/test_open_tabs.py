"""Tabs are values: every action gives the next state, and memory gives back what it got."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vispa_panel.workspace.open_tabs import MOST_TABS, OpenTabs, Tab

FIT = Tab("editor", "/fit.py")
PLOT = Tab("picture", "/plot.png")
SHELL = Tab("terminal", "t1")


def test_an_opened_tab_is_in_front() -> None:
    tabs = OpenTabs().opened(FIT).opened(PLOT)

    assert tabs.on("left") == (FIT, PLOT)
    assert tabs.active_on("left") == PLOT


def test_opening_an_open_tab_brings_it_to_the_front() -> None:
    tabs = OpenTabs().opened(FIT).opened(PLOT).opened(FIT)

    assert tabs.tabs == (FIT, PLOT)
    assert tabs.active_on("left") == FIT


def test_closing_the_front_tab_shows_its_left_neighbour() -> None:
    tabs = OpenTabs().opened(FIT).opened(PLOT).opened(SHELL).with_active(PLOT).closed(PLOT.key)

    assert tabs.active_on("left") == FIT


def test_closing_another_tab_keeps_the_front_one() -> None:
    tabs = OpenTabs().opened(FIT).opened(PLOT).closed(FIT.key)

    assert tabs.active_on("left") == PLOT


def test_closing_the_last_tab_leaves_nothing_in_front() -> None:
    assert OpenTabs().opened(FIT).closed(FIT.key).active_on("left") is None


def test_a_moved_tab_is_in_front_on_the_other_side() -> None:
    tabs = OpenTabs().opened(FIT).opened(PLOT).moved(PLOT.key)

    assert (tabs.active_on("left"), tabs.active_on("right")) == (
        FIT,
        Tab("picture", "/plot.png", "right"),
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["open", "close", "move", "front"]), st.integers(0, 6)),
        max_size=40,
    )
)
def test_memory_gives_back_what_it_got_after_any_actions(actions: list[tuple[str, int]]) -> None:
    tabs = OpenTabs()
    for action, number in actions:
        tab = tabs.find(("editor", f"/{number}")) or Tab("editor", f"/{number}")
        match action:
            case "open":
                tabs = tabs.opened(tab)
            case "close":
                tabs = tabs.closed(tab.key)
            case "move":
                tabs = tabs.moved(tab.key)
            case _ if tabs.find(tab.key) is not None:
                tabs = tabs.with_active(tab)

    assert OpenTabs.from_json(tabs.to_json()) == tabs
    assert len({tab.key for tab in tabs.tabs}) == len(tabs.tabs)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["tabs", "active", "tool", "target", "side"]), inner, max_size=4
            )
        ),
    )
)
def test_anything_else_in_memory_is_left_out(value: object) -> None:
    tabs = OpenTabs.from_json(value)

    assert len(tabs.tabs) <= MOST_TABS
