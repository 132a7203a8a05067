"""The conversation survives banners, garbage and hostile frames."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vispa_panel.agent.protocol import MARKER, FrameParser, encode
from vispa_panel.errors import AgentError, FileMissing, NotConnected
from vispa_panel.workspace.agent_client import AgentClient

if TYPE_CHECKING:
    from tests.agent.conftest import Host


@given(
    st.lists(st.tuples(st.dictionaries(st.text(), st.integers()), st.binary(max_size=50))),
    st.integers(1, 30),
)
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[dict[str, int], bytes]], step: int
) -> None:
    frames = [
        ({"id": 1, **{f"x{key}": one for key, one in head.items()}}, data) for head, data in frames
    ]
    stream = b"".join(encode(head, data) for head, data in frames)
    parser = FrameParser()

    found = []
    for start in range(0, len(stream), step):
        found += parser.feed(stream[start : start + step])
    assert [({k: v for k, v in head.items() if k != "bytes"}, data) for head, data in found] == [
        (head, data) for head, data in frames
    ]


@given(st.binary(max_size=300))
def test_garbage_ends_at_its_line(noise: bytes) -> None:
    parser = FrameParser()
    line = noise.replace(b"\n", b" ").replace(b'"bytes"', b"") + b"\n"

    found = parser.feed(line + encode({"id": 7}))
    assert found[-1] == ({"id": 7}, b"")


async def test_garbage_on_its_input_does_not_end_the_agent(host: Host) -> None:
    process = await host.process()
    assert process.stdin is not None
    assert process.stdout is not None
    for noise in (
        b"\xff\x00 what\n",
        b"[]\n",
        b'{"id":1,"method":[]}\n',
        b'{"id":[]}\n',
        b'{"id":1,"bytes":-4}\n',
        b"[" * 100_000 + b"\n",
    ):
        process.stdin.write(noise)
    process.stdin.write(encode({"id": 5, "method": "folder.home"}))

    seen = b""
    async with asyncio.timeout(20):
        while b'"id":5' not in seen:
            seen += await process.stdout.read(1 << 16)
    last = json.loads(seen.strip().split(b"\n")[-1])
    assert last == {"id": 5, "result": {"path": str(host.base)}}


async def test_an_unknown_method_is_an_error_as_a_value(client: AgentClient) -> None:
    with pytest.raises(AgentError, match="no such method"):
        await client.request("folder.explode")


async def test_an_error_names_the_file(client: AgentClient, host: Host) -> None:
    with pytest.raises(FileMissing, match="nowhere is not there"):
        await client.request("file.stat", path=str(host.base / "nowhere"))


class _Pipe:
    """A host that says what a test wants and listens to nothing."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    async def read(self, n: int = -1, /) -> bytes:
        del n
        return self._pieces.pop(0) if self._pieces else b""

    def write(self, data: bytes, /) -> None:
        del data

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        pass


async def test_a_banner_before_the_hello_is_skipped() -> None:
    pipe = _Pipe(b"Welcome!\n\0\xff", b"more " + MARKER[:5], MARKER[5:] + b"1\n")

    client = await AgentClient.start(pipe, pipe)
    assert client is not None
    await client.close()


async def test_a_host_that_ends_without_hello_has_no_agent() -> None:
    pipe = _Pipe(b"only a banner")

    assert await AgentClient.start(pipe, pipe) is None


async def test_another_version_is_refused() -> None:
    pipe = _Pipe(MARKER + b"99\n")

    with pytest.raises(AgentError, match="another version"):
        await AgentClient.start(pipe, pipe)


async def test_a_banner_without_end_is_refused() -> None:
    pipe = _Pipe(*[b"x" * 100_000] * 20)

    with pytest.raises(AgentError, match="prints too much"):
        await AgentClient.start(pipe, pipe)


async def test_frames_of_a_hostile_host_do_no_harm_and_its_end_is_told() -> None:
    noise = b'{"id":[]}\n{"id":99,"item":1}\n[]\n{"id":1,"item":"text"}\nnoise\n'
    pipe = _Pipe(MARKER + b"1\n", noise)
    client = await AgentClient.start(pipe, pipe)
    assert client is not None
    with pytest.raises(NotConnected):
        await client.request("folder.home")
