"""Nobody gets into a page, a websocket or a session that is not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import HTTPClientError

from vispa_panel.server.next_address import START, safe_next

if TYPE_CHECKING:
    from tests.server.portal import RunningPortal


async def _refused(
    portal: RunningPortal, token: str, path: str = "/workspace", **headers: str
) -> int:
    with pytest.raises(HTTPClientError) as caught:
        await portal.socket(token, path=path, **headers)
    return caught.value.code


async def test_a_websocket_needs_cookie_origin_host_and_its_own_token(
    portal: RunningPortal,
) -> None:
    """T10 to T17: each of them alone is refused before the handshake."""
    anna, boss = await portal.sign_in(), await portal.sign_in("boss")
    token, ours = await portal.token(anna), portal.server.url

    assert await _refused(portal, token, Origin=ours) == 403
    assert await _refused(portal, token, Origin=ours, Cookie=boss) == 403
    assert await _refused(portal, token, Origin="https://evil.example", Cookie=anna) == 403
    assert await _refused(portal, token, Origin="null", Cookie=anna) == 403
    assert await _refused(portal, token, Cookie=anna) == 403
    evil = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert await _refused(portal, token, Cookie=anna, **evil) == 421
    assert await _refused(portal, token, "/admin", Origin=ours, Cookie=anna) == 403
    for forged in (token[:-2] + "xx", "e30", token.partition(".")[0], "x" * 60):
        assert await _refused(portal, forged, Origin=ours, Cookie=anna) == 403
    socket = await portal.socket(token, Origin=ours, Cookie=anna)
    assert "ACK" in str(await socket.read_message())
    socket.close()
    while await socket.read_message() is not None:
        pass


@pytest.mark.parametrize("chosen", ["?bokeh-session-id=x", "?bokeh-token=x"])
async def test_a_client_chooses_no_session(portal: RunningPortal, chosen: str) -> None:
    """T18, T20."""
    cookie = await portal.sign_in()

    assert (await portal.ask("/workspace" + chosen, cookie=cookie)).code == 400
    assert (await portal.ask("/workspace", cookie=cookie, Bokeh_Session_Id="x")).code == 400


async def test_signing_in_again_voids_the_old_cookie(portal: RunningPortal) -> None:
    """T19."""
    old = await portal.sign_in()
    answer = await portal.ask(
        "/sign-in", cookie=old, body={"name": "anna", "password": "correct horse"}
    )

    assert old not in answer.headers["Set-Cookie"]
    assert (await portal.ask("/workspace", cookie=old)).code == 302


async def test_no_page_holds_its_cookie_or_another_origin(portal: RunningPortal) -> None:
    """T21."""
    cookie = await portal.sign_in()
    page = (await portal.ask("/workspace", cookie=cookie)).body.decode()

    assert cookie.partition("=")[2] not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://sibling.example"},
    ],
)
async def test_another_site_cannot_post(portal: RunningPortal, headers: dict[str, str]) -> None:
    """T22 to T24."""
    cookie = await portal.sign_in()

    assert (await portal.ask("/sign-out", cookie=cookie, body="", **headers)).code == 403
    assert (await portal.ask("/workspace", cookie=cookie)).code == 200


async def test_signing_out_is_a_post_that_ends_websockets(portal: RunningPortal) -> None:
    """T25, T92: the page closes with 4401 and everybody who asked is told."""
    cookie = await portal.sign_in()
    told: list[str] = []
    portal.desk.sign_ins.on_end(told.append)
    socket = await portal.socket(
        await portal.token(cookie), Origin=portal.server.url, Cookie=cookie
    )

    assert (await portal.ask("/sign-out", cookie=cookie)).code == 405
    assert (await portal.ask("/sign-out", cookie=cookie, body="")).code == 303
    while await socket.read_message() is not None:
        pass
    assert socket.close_code == 4401
    assert len(told) == 1
    assert (await portal.ask("/workspace", cookie=cookie)).code == 302


@pytest.mark.parametrize(
    "wanted",
    [
        "///evil", "//evil", "/\\evil", "\\\\evil", "/%09/evil", "/%2f/evil", "javascript:alert(1)",
        "https://evil", "evil", "/x\r\nSet-Cookie: a=b", "/@evil", "/a/..//evil", "/.evil", "",
        "/" + "a" * 10_000, "/workspace?x=%0d%0aLocation:x", "/workspace?a=\\", "/sign-out",
        "/a//evil", "HOST////evil", "/;@evil", "/workspace#x", "/workspace?x=<script>",
    ],
)  # fmt: skip
def test_no_next_address_leaves_the_portal(wanted: str) -> None:
    """T26."""
    assert safe_next(wanted) == START


@pytest.mark.parametrize(
    "wanted", ["/workspace?open=/home/x", "/workspace?open=%2Fhome%2F%C3%A4%20b.py", "/course"]
)
def test_a_link_to_a_file_survives_signing_in(wanted: str) -> None:
    assert safe_next(wanted) == wanted


async def test_every_answer_carries_the_headers(portal: RunningPortal) -> None:
    """T14, T27: also errors; another host name is answered with 421."""
    cookie = await portal.sign_in()
    for path in ("/", "/sign-in", "/workspace", "/admin", "/nothing", "/healthz", "/guest"):
        answer = await portal.ask(path, cookie=cookie)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await portal.ask(path, cookie=cookie, Host="evil.example")).code == 421, path


async def test_a_role_without_the_right_is_refused(portal: RunningPortal) -> None:
    """T34, and everything of Bokeh that nobody may reach."""
    anna, boss = await portal.sign_in(), await portal.sign_in("boss")

    assert (await portal.ask("/admin", cookie=anna)).code == 403
    assert (await portal.ask("/admin", cookie=boss)).code == 200
    assert (await portal.ask("/admin/metadata", cookie=anna)).code == 403
    assert (await portal.ask("/workspace/metadata")).code == 403
    for path in (
        "/workspace/autoload.js?bokeh-autoload-element=x",
        "/components/unittest.__main__/a/b/c",
        "/components/os/path/_css/x",
        "/static/%2e%2e/%2e%2e/server/urls.py",
    ):
        assert (await portal.ask(path, cookie=anna)).code in {403, 404}, path
    assert (await portal.ask("/healthz")).code == 200


async def test_a_disabled_user_is_out_at_once(portal: RunningPortal) -> None:
    """T36."""
    cookie = await portal.sign_in()
    await portal.desk.accounts.disable("anna")

    assert (await portal.ask("/workspace", cookie=cookie)).code == 302


async def test_the_sixth_wrong_password_waits(portal: RunningPortal) -> None:
    """T29."""
    wrong = {"name": "anna", "password": "not the password"}
    codes = [(await portal.ask("/sign-in", body=wrong)).code for _ in range(6)]
    answer = await portal.ask("/sign-in", body=wrong)

    assert codes == [401] * 5 + [429]
    assert int(answer.headers["Retry-After"]) >= 1


async def test_long_names_are_refused_before_anything(
    portal: RunningPortal, caplog: pytest.LogCaptureFixture
) -> None:
    """T31, T40: and no logged line is long or holds a control character."""
    caplog.set_level("INFO", "vispa_panel")
    answer = await portal.ask("/sign-in", body={"name": "x" * 500_000, "password": "y"})
    await portal.ask("/sign-in", body={"name": "a\r\n\x1b[31mb", "password": "y"})

    assert answer.code == 400
    for record in caplog.records:
        line = record.getMessage()
        assert len(line) < 300
        assert line.isprintable()


async def test_a_broken_page_shows_no_traceback(portal: RunningPortal) -> None:
    cookie = await portal.sign_in()
    page = (await portal.ask("/broken", cookie=cookie)).body.decode()

    assert "the inside" not in page
    assert "Traceback" not in page
