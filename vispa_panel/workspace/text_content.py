"""Bytes of a file as the editor's text, and back, without changing what was not typed."""

from __future__ import annotations

import codecs
import hashlib
from typing import TYPE_CHECKING

from vispa_panel.errors import NotText
from vispa_panel.workspace.file_names import display_name
from vispa_panel.workspace.files import TextFile

if TYPE_CHECKING:
    from vispa_panel.workspace.files import FileEntry

_BINARY_SHARE = 0.02
"""More control characters than this share of a Latin-1 text: it is no text."""

_USUAL_CONTROLS = b"\t\n\r\f\x1b\x08"


def as_text(entry: FileEntry, data: bytes, *, writable: bool) -> TextFile:
    """The text in a file's bytes, or in its head when ``entry.size`` is larger.

    Raises NotText for binary content.
    """
    truncated = entry.size > len(data)
    encoding, text = _decode(entry, data, cut=truncated)
    crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
    return TextFile(
        path=entry.path,
        text=text.replace("\r\n", "\n") if crlf else text,
        digest="" if truncated else hashlib.sha256(data).hexdigest(),
        size=entry.size,
        encoding=encoding,
        newline="\r\n" if crlf else "\n",
        truncated=truncated,
        writable=writable,
    )


def as_bytes(text: str, before: TextFile | None) -> bytes:
    """The bytes to write: encoding and line ends of the file as it was; UTF-8 where they fail."""
    if before is None:
        return text.encode("utf-8", "surrogatepass")
    if before.newline == "\r\n":
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        return text.encode(before.encoding)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _decode(entry: FileEntry, data: bytes, *, cut: bool) -> tuple[str, str]:
    if b"\0" in data:
        message = f"{display_name(entry.name)} is not a text file."
        raise NotText(message, path=entry.path, next_step="Download it to see it.")
    encoding = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        return encoding, codecs.getincrementaldecoder(encoding)().decode(data, final=not cut)
    except UnicodeDecodeError:
        strange = sum(one < 32 and one not in _USUAL_CONTROLS for one in data)  # noqa: PLR2004
        if strange > _BINARY_SHARE * len(data):
            message = f"{display_name(entry.name)} is not a text file."
            raise NotText(message, path=entry.path, next_step="Download it to see it.") from None
        return "latin-1", data.decode("latin-1")
