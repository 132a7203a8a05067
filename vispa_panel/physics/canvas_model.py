"""How uproot is to read a TCanvas, whose members ROOT never describes in a file.

TCanvas has a streamer written by hand: a TPad, described in the file, and then the window's own
settings, which are of no interest here and are skipped.
"""

from __future__ import annotations

from typing import Any

from uproot.model import Model


class CanvasModel(Model):  # type: ignore[misc]  # uproot has no types
    """A TCanvas with its TPad as ``bases[0]``."""

    def read_members(self, chunk: Any, cursor: Any, context: Any, file: Any) -> None:
        """Read the pad and leave the rest."""
        pad = file.class_named("TPad")
        self._bases.append(pad.read(chunk, cursor, context, file, self._file, self._parent))

    def check_numbytes(self, chunk: Any, cursor: Any, context: Any) -> None:  # noqa: ARG002
        """Go to where the canvas ends."""
        if self._num_bytes is not None:
            cursor.skip(self._num_bytes - cursor.displacement(self._cursor))


class SignalsModel(Model):  # type: ignore[misc]  # uproot has no types
    """A TQObject, a base of every pad that writes nothing at all."""

    def read_numbytes_version(self, chunk: Any, cursor: Any, context: Any) -> None:
        """There is no header."""
