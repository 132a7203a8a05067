"""Where to go after signing in: never to another site."""

from __future__ import annotations

import re

START = "/workspace"
_SAFE = re.compile(
    r"/(?:[A-Za-z0-9_-][A-Za-z0-9._~/-]{0,200})?(?:\?[A-Za-z0-9._~/%&=+:,@-]{0,4000})?"
)
_CONTROL = re.compile(r"%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)


def safe_next(wanted: str) -> str:
    """``wanted`` if it is a plain path of ours (with any percent-encoded query), else the start."""
    path = wanted.partition("?")[0]
    # No escape and no second slash in the path: no browser can read a host into what is left.
    if not _SAFE.fullmatch(wanted) or "//" in path or ".." in path or _CONTROL.search(wanted):
        return START
    if path == "/" or path.startswith(("/sign-in", "/sign-out", "/guest")):
        return START
    return wanted
