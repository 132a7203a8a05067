"""Canaries: what our own handlers stand in for. When one fails, upstream has moved."""

from __future__ import annotations

import inspect
import subprocess
import sys

from bokeh.server.views.autoload_js_handler import AutoloadJsHandler
from bokeh.server.views.session_handler import SessionHandler
from panel.auth import _validate_next_url

_ASK = """
import sys
from panel.io.server import ComponentResourceHandler as Handler
sys.modules.pop("colorsys", None)
try:
    Handler.parse_url_path(object.__new__(Handler), "colorsys/Nothing/_css/x")
except Exception:
    pass
sys.exit(7 if "colorsys" in sys.modules else 0)
"""


def test_panel_itself_still_imports_what_a_request_names() -> None:
    """T111C: so the allow-list in front of ``/components/`` is still needed."""
    done = subprocess.run([sys.executable, "-c", _ASK], check=False, timeout=60)

    assert done.returncode == 7


def test_panel_itself_still_takes_three_slashes_for_a_path() -> None:
    """T109C: so an address after the sign-in is still checked by rules of our own."""
    assert _validate_next_url("///host.example/x") == "///host.example/x"


def test_bokeh_itself_still_lets_any_origin_load_a_page_as_a_script() -> None:
    """T112C: so ``autoload.js`` stays switched off."""
    source = inspect.getsource(AutoloadJsHandler)

    assert 'self.request.headers["Origin"]' in source
    assert "authorize" not in source


def test_bokeh_itself_still_puts_cookies_into_a_pages_token() -> None:
    """T113C: so both lists, of cookies and of headers, are still given."""
    source = inspect.getsource(SessionHandler.get_session)

    assert "include_cookies is None" in source
    assert "'cookies': cookies" in source
