"""Canaries: what our own handlers stand in for. When one fails, upstream has moved."""

from __future__ import annotations

import subprocess
import sys

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
