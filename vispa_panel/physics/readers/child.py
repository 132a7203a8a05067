"""A reader process: opens the files it is given and answers one request after the other."""

from __future__ import annotations

import gc
import socket
import warnings
from typing import TYPE_CHECKING, Any

# Loaded once before forking, also what uproot loads only when it meets it.
import awkward as ak
import numpy as np
import uproot
import uproot.behaviors
import uproot.models

from vispa_panel.errors import ExpressionError, PortalError, ReaderEnded
from vispa_panel.physics.byte_doors import ByteDoor, CachedBytes, OpenFile
from vispa_panel.physics.readers.pipe import Gone, Pipe, PipeBytes
from vispa_panel.physics.readers.requests import REQUESTS
from vispa_panel.physics.readers.sandbox import confine, limit_resources
from vispa_panel.physics.root_file import RootFile
from vispa_panel.physics.uproot_door import first_line

if TYPE_CHECKING:
    from collections.abc import Callable

PRELOADED = (ak.__version__, np.__version__, uproot.__version__)


def run(descriptors: list[int], limits: dict[str, int]) -> None:
    """Answer requests over ``descriptors[0]`` until it closes; the others are the open files."""
    pipe = Pipe(socket.socket(fileno=descriptors[0]))
    warnings.simplefilter("ignore")  # nobody reads what a file makes libraries say
    limit_resources(limits["memory"], limits["cpu_seconds"])
    held = confine()
    try:
        pipe.send({"is": "ready", "held": list(held)})
        reader = _Reader(pipe, descriptors[1:])
        while True:
            reader.answer(pipe.next())
    except Gone:
        return


class _Reader:
    """The open files and what answers for them."""

    def __init__(self, pipe: Pipe, descriptors: list[int]) -> None:
        self._pipe = pipe
        self._descriptors = descriptors
        self._file: RootFile | None = None

    def answer(self, message: dict[str, Any]) -> None:
        """Answer one request by its value or by what is wrong."""
        self._pipe.request = message["id"]
        work: Callable[[dict[str, Any]], Any] = (
            self._open if message["do"] == "open" else self._call
        )
        try:
            value = work(message)
            self._pipe.send({"is": "result", "id": message["id"], "value": value})
        except Gone:
            raise
        except PortalError as error:
            self._fail(message["id"], error)
        except MemoryError:
            gc.collect()
            text = "This needs more memory than a reader may take."
            self._fail(message["id"], ReaderEnded(text))
        # Whatever a file makes a library do, the person gets a sentence and the reader goes on.
        except Exception as error:  # noqa: BLE001
            text = f"This cannot be read: {first_line(error)}."
            self._fail(message["id"], PortalError(text))
        finally:
            self._pipe.request = 0

    def _fail(self, number: int, error: PortalError) -> None:
        place = error.place if isinstance(error, ExpressionError) else None
        self._pipe.send(
            {
                "is": "error",
                "id": number,
                "kind": type(error).__name__,
                "message": str(error),
                "place": place,
            }
        )

    def _open(self, message: dict[str, Any]) -> None:
        doors: list[ByteDoor] = []
        for number, one in enumerate(message["files"]):
            if one["local"]:
                doors.append(OpenFile(self._descriptors.pop(0), one["name"]))
            else:
                asked = PipeBytes(self._pipe, number, one["name"], one["size"])
                doors.append(CachedBytes(asked))
        self._file = RootFile(doors)

    def _call(self, message: dict[str, Any]) -> Any:
        request = REQUESTS[message["name"]]
        if self._file is None:
            text = "The file is not open."
            raise ReaderEnded(text)
        return request(self._file, self._pipe.progress, **message["arguments"])
