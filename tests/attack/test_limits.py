"""What floods, times, forges or is large is refused, and the portal goes on serving."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import HTTPError

from vispa_panel.server.content_policy import with_nonce
from vispa_panel.server.next_address import START, safe_next
from vispa_panel.server.tickets import Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.server.portal import RunningPortal

FORM = "multipart/form-data; boundary=B"


async def test_an_unknown_user_takes_as_long_as_a_known_one(portal: RunningPortal) -> None:
    """T30: both passwords are hashed; the medians lie within a factor that no hash saves."""
    times: dict[str, list[float]] = {"anna": [], "nobody": []}
    for _ in range(4):
        for name, taken in times.items():
            began = time.perf_counter()
            await portal.ask("/sign-in", body={"name": name, "password": "wrong"})
            taken.append(time.perf_counter() - began)
    known, unknown = (statistics.median(taken) for taken in times.values())

    assert 0.5 < unknown / known < 2.0


async def test_many_sign_ins_at_once_do_not_hold_the_loop(portal: RunningPortal) -> None:
    """T32: passwords are checked in threads."""
    await portal.ask("/healthz")
    portal.server.watchdog.reset()
    body = {"name": "anna", "password": "correct horse"}
    answers = await asyncio.gather(*(portal.ask("/sign-in", body=body) for _ in range(30)))

    assert {answer.code for answer in answers} <= {303, 429}
    assert portal.server.watchdog.longest_cpu_ms < 50, portal.server.watchdog.cpu_culprit


async def test_role_changes_are_the_administrators_alone(portal: RunningPortal) -> None:
    """T37: no answer of the portal makes a user anything else; the measurements are not theirs."""
    anna, boss = await portal.sign_in(), await portal.sign_in("boss")

    assert (await portal.ask("/healthz", cookie=anna, body="")).code == 403
    assert (await portal.ask("/healthz", body="")).code == 403
    assert b"loop_max" not in (await portal.ask("/healthz", cookie=anna)).body
    assert (await portal.ask("/healthz", cookie=boss, body="")).code == 200
    for field in ("role", "user", "admin"):
        await portal.ask(f"/workspace?{field}=admin", cookie=anna)
        assert (await portal.ask("/admin", cookie=anna)).code == 403


@pytest.mark.parametrize("prefix", ["/dl/", "/picture/", "/up/"])
async def test_no_guessed_ticket_opens_anything(portal: RunningPortal, prefix: str) -> None:
    """T38: well-formed and malformed identifiers alike."""
    cookie = await portal.sign_in()
    guesses = ["A" * 43, "_" * 43, "-" * 43, "A" * 42, "../" * 10, "%2e%2e/x", "1", "A" * 44]

    for guess in [*guesses, *(f"{number:043d}" for number in range(60))]:
        answer = await portal.ask(prefix + guess, cookie=cookie)
        assert answer.code == 404, guess


async def test_large_and_slow_requests_end_and_idle_ones_do_no_harm(
    portal: RunningPortal,
) -> None:
    """T42: 2 MiB to a form, a header of 64 KiB, 200 idle connections."""
    cookie = await portal.sign_in()
    answer = await portal.ask("/sign-in", body=b"x" * (2 << 20))
    assert answer.code in {400, 413, 599}
    with pytest.raises((ConnectionError, HTTPError)):  # hung up on, not listened to
        (await portal.ask("/", Cookie="x" * 65_536)).rethrow()
    idle = [await asyncio.open_connection("127.0.0.1", portal.server.port) for _ in range(200)]
    try:
        assert (await portal.ask("/workspace", cookie=cookie)).code == 200
    finally:
        for _, writer in idle:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in idle))


def _part(header: bytes) -> bytes:
    return b"--B\r\n" + header + b"\r\n\r\nx\r\n--B--\r\n"


@pytest.mark.parametrize(
    "body",
    [
        _part(b"Content-Disposition: form-data; name=f; filename=" + b"a" * 900_000),
        _part(b"X-" + b"a" * 900_000 + b": y"),
        _part(b"\r\n".join(b"X-%d: y" % number for number in range(20_000))),
    ],
    ids=["long-value", "long-name", "many"],
)
async def test_the_headers_of_an_upload_are_bounded(portal: RunningPortal, body: bytes) -> None:
    """A part's headers are a few kilobytes, or nothing of the upload is taken."""
    cookie = await portal.sign_in()
    await portal.ask("/workspace", cookie=cookie)
    stored: list[str] = []

    async def receive(name: str, chunks: AsyncIterator[bytes]) -> int:
        stored.append(name)
        return sum([len(chunk) async for chunk in chunks])

    sid = next(iter(portal.server.state.present))
    path = portal.server.tickets.issue(sid, Upload("here", receive, lambda _: None), 60)
    began = time.perf_counter()
    answer = await portal.ask(path, cookie=cookie, body=body, Content_Type=FORM)

    assert answer.code == 400
    assert stored == []
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("tab", ["\t", "%09", "%0a", "%0D", "%00", "%7f", "%5c", "\x0b", "\u2028"])
def test_no_control_character_leads_away(tab: str) -> None:
    """T26: browsers drop tabs and line ends, and what is left may name a host."""
    for wanted in (f"/{tab}/e", f"{tab}//e", f"/{tab}\\e", f"//{tab}e", f"/workspace{tab}//e"):
        assert safe_next(wanted) == START


async def test_only_scripts_of_the_template_get_the_nonce(portal: RunningPortal) -> None:
    """Neither a query, a path nor a header of the client puts a script of theirs into a page."""
    cookie = await portal.sign_in()
    for hostile in ("%3Cscript%3Ewindow.x%3D1%3C/script%3E", "%22%3E%3Cscript%20", "%3C/title%3E"):
        answer = await portal.ask(
            f"/workspace?open={hostile}&{hostile}=1", cookie=cookie, User_Agent="<script>x</script>"
        )
        page, policy = answer.body.decode(), answer.headers["Content-Security-Policy"]
        nonce = policy.partition("'nonce-")[2].partition("'")[0]
        assert len(nonce) >= 20
        assert page.count("<script") == page.count(f'<script nonce="{nonce}"')
        assert "window.x" not in page
        assert "<script>" not in page


def test_the_nonce_goes_to_script_elements_and_nothing_else() -> None:
    page = '<script type="a">1</script><scripty><SCRIPT>&lt;script&gt;'

    assert with_nonce(page, "N") == page.replace("<script type", '<script nonce="N" type')
