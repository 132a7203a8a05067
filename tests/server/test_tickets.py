"""Bytes past the websocket reach only the sign-in they were issued to."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING

import pytest

from vispa_panel.errors import FileExists
from vispa_panel.server.file_handlers import attachment
from vispa_panel.server.tickets import Download, Picture, Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.portal import RunningPortal


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(40):
        yield b"x" * 50_000


def _sid(portal: RunningPortal) -> str:
    return next(iter(portal.server.state.present))


async def test_a_download_works_once_and_for_its_owner_only(portal: RunningPortal) -> None:
    """T45."""
    cookie = await portal.sign_in()
    await portal.ask("/workspace", cookie=cookie)
    tickets = portal.server.tickets
    path = tickets.issue(_sid(portal), Download('a"\r\n.txt', None, _chunks), 60)
    stranger = await portal.sign_in("boss")

    assert (await portal.ask(path, cookie=stranger)).code == 404
    assert (await portal.ask(path)).code == 404
    assert (await portal.ask(path.replace("/dl/", "/up/"), cookie=cookie)).code == 404
    answer = await portal.ask(path, cookie=cookie)
    assert (answer.code, len(answer.body)) == (200, 2_000_000)
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert (await portal.ask(path, cookie=cookie)).code == 404
    late = tickets.issue(_sid(portal), Download("a", None, _chunks), -1)
    assert (await portal.ask(late, cookie=cookie)).code == 404


async def test_a_picture_is_sandboxed_and_ends_with_its_sign_in(portal: RunningPortal) -> None:
    cookie = await portal.sign_in()
    await portal.ask("/workspace", cookie=cookie)

    async def read() -> bytes:
        return b"<svg/>"

    tickets, sid = portal.server.tickets, _sid(portal)
    path = tickets.issue(sid, Picture("a.svg", "image/svg+xml", read), 60)
    page = tickets.issue(sid, Picture("a.html", "text/html", read), 60)
    for _ in range(2):
        answer = await portal.ask(path, cookie=cookie)
        assert answer.body == b"<svg/>"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert (await portal.ask(page, cookie=cookie)).code == 404
    await portal.ask("/sign-out", cookie=cookie, body="")
    assert (await portal.ask(path, cookie=cookie)).code == 404


async def test_an_upload_streams_each_file_and_tells_what_failed(portal: RunningPortal) -> None:
    cookie = await portal.sign_in()
    await portal.ask("/workspace", cookie=cookie)
    stored: dict[str, int] = {}
    finished: list[tuple[str, ...]] = []

    async def receive(name: str, chunks: AsyncIterator[bytes]) -> int:
        if name == "taken":
            message = "The name is taken."
            raise FileExists(message)
        stored[name] = sum([len(chunk) async for chunk in chunks])
        return stored[name]

    path = portal.server.tickets.issue(
        _sid(portal), Upload("Into <home>", receive, finished.append), 60
    )
    form = await portal.ask(path, cookie=cookie)
    assert b"Into &lt;home&gt;" in form.body
    assert "frame-ancestors 'self'" in form.headers["Content-Security-Policy"]

    async def send(*names: str) -> int:
        parts = b"".join(
            b'--B\r\nContent-Disposition: form-data; name="files"; filename="'
            + name.encode()
            + b'"\r\n\r\n'
            + b"z" * 1_500_000
            + b"\r\n"
            for name in names
        )
        kind = "multipart/form-data; boundary=B"
        answer = await portal.ask(path, cookie=cookie, body=parts + b"--B--\r\n", Content_Type=kind)
        return answer.code

    assert await send("a.root", "../../b") == 200
    assert stored == {"a.root": 1_500_000, "b": 1_500_000}
    assert finished == [("a.root", "b")]
    assert await send("taken") == 400


@pytest.mark.parametrize(
    "name",
    ["a\r\nX: y", 'a"; filename=evil.html', "bidi\u202e", "a\0b", "😀", "ä" * 255, "..", "\udcff"],
)
def test_every_file_name_makes_one_disposition(name: str) -> None:
    """T39."""
    header = attachment(name)
    message = Message()
    message["Content-Disposition"] = header

    assert header.isascii()
    assert header.isprintable()
    assert header.count("filename=") == 1
    assert message.get_content_disposition() == "attachment"
