"""The screen of a terminal: what is sent to the browser, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from bokeh.document import Document

from vispa_panel.components.terminal_screen import ANSWER, HISTORY, QUERIES, TerminalScreen


class Typed:
    """What the browser's side reports."""

    def __init__(self, model: Any, key: str) -> None:  # noqa: ANN401 - Bokeh's
        self.model = model
        self.key = key


class Watched:
    """A screen whose keys and acknowledgements are noted."""

    def __init__(self, views: int = 1) -> None:
        self.keys: list[str] = []
        self.drawn: list[tuple[int, int]] = []
        self.screen = TerminalScreen(
            on_key=self.keys.append, on_drawn=lambda *told: self.drawn.append(told)
        )
        self.views: list[Any] = [self.screen.get_root(Document()) for _ in range(views)]

    def shown(self, view: int = 0) -> str:
        """The last patch of a view, without the question at its end."""
        text: str = self.views[view].output
        for query in QUERIES:
            text = text.removesuffix(query)
        return text

    def press(self, key: str, view: int = 0) -> None:
        self.screen._typed(Typed(self.views[view], key))


def test_a_bare_line_feed_survives_the_browsers_rewriting() -> None:
    watched = Watched()

    watched.screen.draw("a\nb\r\nc\r", 7, 1)
    assert watched.shown() == "a\x1bDb\r\nc\r"

    watched.screen.draw("\nd", 2, 1)
    assert watched.shown() == "\nd"


def test_an_answer_to_our_question_is_an_acknowledgement_and_no_key() -> None:
    watched = Watched()
    watched.screen.draw("abc", 3, 1)

    watched.press(ANSWER)
    assert watched.drawn == [(3, 1)]
    assert watched.keys == []


@pytest.mark.parametrize("query", ["\x1b[5n", "\x1b[005n", "\x1b[5;1n", "\x9b5n"])
def test_a_programs_own_question_is_answered_before_ours(query: str) -> None:
    watched = Watched()
    watched.screen.draw(f"ask {query}", 9, 1)

    watched.press(f"x{ANSWER}{ANSWER}")
    assert watched.keys == [ANSWER, "x"]
    assert watched.drawn == [(9, 1)]


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        ("\x1b", "M"),
        ("\x1b[", "m"),
        ("\x1b[38;5", ";1m"),
        ("\x1b]0;tit", "le\x07"),
        ("\x1b]0;title\x1b", "\\"),
        ("\x1bP$q", "m\x1b\\"),
        ("\x9b1", "m"),
    ],
)
def test_nothing_is_put_into_the_middle_of_a_sequence(start: str, rest: str) -> None:
    watched = Watched()

    watched.screen.draw(f"text{start}", 20, 1)
    assert watched.shown() == "text"

    watched.screen.draw(rest, len(rest), 1)
    assert watched.shown() == start + rest


def test_a_sequence_without_an_end_is_not_held_back_for_ever() -> None:
    watched = Watched()

    watched.screen.draw("\x1b]" + "x" * 10_000, 10_002, 1)
    assert len(watched.shown()) > 5000


def test_only_the_first_view_answers_what_programs_ask() -> None:
    watched = Watched(views=2)

    others = watched.screen.draw("what are you\x1b[c\x1b[6n", 20, 1)
    assert watched.shown() == "what are you\x1b[c\x1b[6n"
    assert others.startswith("what are you")
    assert "\x1b[c" not in others

    watched.press(f"{ANSWER}k", view=1)
    assert watched.keys == ["k"]
    assert watched.drawn == []


def test_what_a_view_that_is_gone_was_sent_counts_as_drawn() -> None:
    watched = Watched()
    watched.screen.draw("abc", 3, 1)

    watched.screen._cleanup(watched.views[0])
    assert watched.drawn == [(3, 1)]


def test_a_new_view_gets_whole_lines_of_bounded_history_and_no_questions() -> None:
    watched = Watched(views=0)
    for number in range(30_000):
        watched.screen.draw(f"\x1b[31mline {number}\x1b[0m\x1b[6n\r\n", 20, 1)

    view: Any = watched.screen.get_root(Document())
    assert len(view.output) <= HISTORY
    assert view.output.lstrip("\n").startswith("\x1b[31mline ")
    assert "\x1b[6n" not in view.output
    assert "line 29999" in view.output


def test_another_stream_begins_without_the_rest_of_the_last_one() -> None:
    watched = Watched()
    watched.screen.draw("half a sequence\x1b[3", 18, 1)

    watched.screen.begin()
    watched.screen.draw("new", 3, 2)
    assert watched.shown() == "new"
    assert watched.screen.history == "new"
