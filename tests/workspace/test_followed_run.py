"""A followed run shows the end of its output as it comes, in constant memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.dummies import DrivenRuns
from vispa_panel.errors import NotConnected
from vispa_panel.workspace.followed_run import CHUNK, PIECES, FollowedRun, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(run: FollowedRun, holds: Callable[[], bool]) -> None:
    changed = asyncio.Event()
    watcher = run.param.watch(lambda *_: changed.set(), ["info", "tail", "pieces", "problem"])
    async with asyncio.timeout(10):
        while not holds():
            changed.clear()
            await changed.wait()
    run.param.unwatch(watcher)


def shown(run: FollowedRun) -> str:
    return "".join(text for _, text in run.pieces) + run.tail


async def followed(runs: DrivenRuns) -> FollowedRun:
    info = await runs.start("python fit.py", folder="/home/ada")
    run = FollowedRun(runs, info.id)
    run.start()
    await until(run, lambda: run.info is not None)
    return run


async def test_output_is_shown_while_the_run_goes_on() -> None:
    runs = DrivenRuns()
    run = await followed(runs)

    await runs.write("run0", b"one\n")
    await until(run, lambda: shown(run) == "one\n")
    assert run.running
    await run.close()


async def test_all_lines_are_there_when_the_run_has_ended() -> None:
    runs = DrivenRuns()
    run = await followed(runs)
    lines = [f"line {number} of the fit" for number in range(2000)]

    await runs.write("run0", "\n".join(lines).encode())
    await runs.end("run0", 0)
    await until(run, lambda: not run.running)
    assert shown(run).split("\n") == lines
    assert (run.duration, run.skipped) == (2.5, 0)


async def test_a_character_cut_between_two_reads_is_whole_and_a_broken_byte_is_visible() -> None:
    runs = DrivenRuns()
    run = await followed(runs)

    await runs.write("run0", b"\xc3")
    await runs.write("run0", b"\xbc \xff end")
    await until(run, lambda: shown(run).endswith("end"))
    assert shown(run) == "ü � end"
    await run.close()


async def test_a_hundred_megabytes_are_shown_as_their_end_in_constant_memory() -> None:
    runs = DrivenRuns()
    run = await followed(runs)

    await runs.write("run0", b"x" * 63 + b"\n" + b"y" * 99 * (1 << 20) + b"\nthe end\n")
    await runs.end("run0", 0)
    await until(run, lambda: not run.running)
    assert shown(run).endswith("the end\n")
    assert run.skipped > 98 * (1 << 20)
    assert len(shown(run)) <= CHUNK * (PIECES + 1)
    assert runs.bytes_read < 2 * CHUNK * PIECES


async def test_a_steady_stream_keeps_a_bounded_number_of_pieces() -> None:
    runs = DrivenRuns()
    run = await followed(runs)
    for number in range(80):
        await runs.write("run0", b"%07d\n" % number * 1000)
        await until(run, lambda size=(number + 1) * 8000: run.info.output_size == size)  # type: ignore[union-attr,misc]

    assert len(run.pieces) <= PIECES
    assert run.skipped + len(shown(run)) == 80 * 8000
    await run.close()


async def test_a_lost_connection_is_said_and_following_goes_on_where_it_was() -> None:
    runs = DrivenRuns()
    run = await followed(runs)
    await runs.write("run0", b"before ")
    await until(run, lambda: shown(run) == "before ")
    await runs.fail(NotConnected("away"))
    await until(run, lambda: bool(run.problem))

    runs.failure = None
    await runs.write("run0", b"after")
    run.start()
    await until(run, lambda: shown(run) == "before after")
    assert not run.problem
    await run.close()


async def test_stopping_asks_the_host() -> None:
    runs = DrivenRuns()
    run = await followed(runs)

    await run.stop()
    await until(run, lambda: not run.running)
    assert runs.stopped == ["run0"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("dos\r\nline", "dos\nline"),
        ("bell\x07 and null\x00", "bell and null"),
        ("<script>", "<script>"),
    ],
)
def test_escape_sequences_do_not_reach_the_page(raw: str, text: str) -> None:
    assert plain_text(raw) == text
