"""Names of files are hostile text: how they are shown, put into a command, and into a header."""

from __future__ import annotations

import posixpath
import re
import shlex
import unicodedata
from urllib.parse import quote

LONGEST_SHOWN = 200

_VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_PLACEHOLDER = re.compile(r"%(file|dir|name|%)")


def display_name(name: str) -> str:
    """A name or path as it may be shown: one line of printable characters, at most 200.

    Control and text-direction characters and bytes that are not UTF-8 stand as escapes.
    """
    # Nearly every name is printable: asked in one step, since folders hold many names.
    shown = name if name.isprintable() else "".join(_shown(character) for character in name)
    return shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 1] + "…"


def _shown(character: str) -> str:
    if character in _VISIBLE:
        return _VISIBLE[character]
    if 0xDC80 <= ord(character) <= 0xDCFF:  # noqa: PLR2004 - a surrogate escape holds one byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return f"\\u{ord(character):04x}"
    return character


def fill_command(template: str, path: str) -> str:
    """A command line with ``%file``, ``%dir``, ``%name`` and ``%%`` filled in, quoted for sh.

    ``path`` is absolute, so that ``%file`` and ``%dir`` never look like an option; a ``%name``
    that begins with a dash gets ``./`` before it.
    """
    name = posixpath.basename(path)
    values = {
        "file": shlex.quote(path),
        "dir": shlex.quote(posixpath.dirname(path) or "/"),
        "name": shlex.quote(f"./{name}" if name.startswith("-") else name),
        "%": "%",
    }
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def content_disposition(name: str) -> str:
    """The header value that makes a browser save a download under a name (RFC 6266)."""
    base = name.replace("\\", "/").rpartition("/")[2] or "download"
    plain = "".join(
        one if one.isascii() and (one.isalnum() or one in " ._-+()") else "_" for one in base
    )
    plain = plain.strip(" .") or "download"
    full = quote(base.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
