"""A really running portal with two people, and a small client that never follows redirects."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import panel as pn
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

from vispa_panel.identity.desk import Desk
from vispa_panel.identity.roles import Role
from vispa_panel.server.portal import PageContext, PageRoute, PortalServer, build_server
from vispa_panel.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PASSWORD = "correct horse"


def _hello(context: PageContext) -> Any:  # noqa: ANN401 - any viewable
    return pn.Column(f"Hello {context.session.user_name}")


def _broken(_context: PageContext) -> Any:  # noqa: ANN401 - any viewable
    message = "the inside of the portal"
    raise ValueError(message)


@dataclass
class RunningPortal:
    """The server and what a browser would do with it."""

    server: PortalServer
    desk: Desk
    sockets: list[WebSocketClientConnection] = field(default_factory=list)

    async def ask(
        self,
        path: str,
        *,
        cookie: str = "",
        body: dict[str, str] | str | bytes | None = None,
        **headers: str,
    ) -> HTTPResponse:
        """GET, or POST when there is a body."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie:
            named["Cookie"] = cookie
        if isinstance(body, dict):
            body = urlencode(body)
        return await AsyncHTTPClient().fetch(
            HTTPRequest(
                self.server.url + path,
                method="GET" if body is None else "POST",
                body=body,
                headers=named,
                follow_redirects=False,
                request_timeout=20,
            ),
            raise_error=False,
        )

    async def sign_in(self, name: str = "anna") -> str:
        """The cookie, as a header's value."""
        answer = await self.ask("/sign-in", body={"name": name, "password": PASSWORD})
        assert answer.code == 303
        return answer.headers["Set-Cookie"].partition(";")[0]

    async def token(self, cookie: str, path: str = "/workspace") -> str:
        """The websocket's token in a page."""
        answer = await self.ask(path, cookie=cookie)
        found = re.search(r'"token":"([^"]+)"', answer.body.decode())
        assert found is not None
        return found.group(1)

    async def socket(
        self, token: str, *, path: str = "/workspace", **headers: str
    ) -> WebSocketClientConnection:
        """A page's websocket."""
        socket = await websocket_connect(
            HTTPRequest(f"ws{self.server.url[4:]}{path}/ws", headers=headers),
            subprotocols=["bokeh", token],
        )
        self.sockets.append(socket)
        return socket

    async def close(self) -> None:
        """Hang up, and wait until the server has taken notice."""
        for socket in self.sockets:
            socket.close()
        async with asyncio.timeout(10):
            # The library has no event for the end of a client connection.
            while any(  # noqa: ASYNC110
                socket.protocol is not None for socket in self.sockets
            ):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_portal(folder: Path) -> AsyncIterator[RunningPortal]:
    """Started on a free port, stopped at the end."""
    settings = load_settings(portal={"data_folder": folder, "port": 0}, guests={"enabled": True})
    desk = Desk.open(settings)
    for name, role in (("anna", Role.USER), ("boss", Role.ADMIN)):
        await desk.accounts.add(name, PASSWORD, role)
    server = build_server(
        settings,
        desk,
        {
            "/workspace": PageRoute(_hello),
            "/broken": PageRoute(_broken),
            "/admin": PageRoute(_hello, roles=frozenset({Role.ADMIN})),
        },
    )
    await server.start()
    running = RunningPortal(server, desk)
    try:
        yield running
    finally:
        await running.close()
        await server.stop()
        desk.close()
