"""The headers of every answer: what a page may load, and who may frame or keep it."""

from __future__ import annotations

import re

_SCRIPT = re.compile(r"<script(?=[\s>])")

_PAGE = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' blob:; worker-src 'self' blob:; frame-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
PLAIN = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
FRAMED = PLAIN.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
USER_CONTENT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def page_policy(nonce: str) -> str:
    """For a page of widgets: scripts of this origin and those that carry the nonce."""
    return _PAGE.format(nonce=nonce)


def with_nonce(html: str, nonce: str) -> str:
    """Give each script element of Bokeh's own template the nonce.

    Bokeh escapes the document it embeds, so that every ``<script`` left is the template's.
    """
    return _SCRIPT.sub(f'<script nonce="{nonce}"', html)
