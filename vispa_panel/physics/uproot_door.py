"""uproot reading through our doors, with classes of its own for every file.

uproot keeps the classes it makes from a file's streamers in tables of the whole process, so that
one file's broken description would stand in for the next file's good one. Each file here gets
copies of these tables.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import uproot
from uproot.model import DispatchByVersion
from uproot.source.chunk import Chunk, Source
from uproot.source.futures import TrivialFuture

from vispa_panel.errors import PortalError, Superseded, UnreadableData
from vispa_panel.physics.canvas_model import CanvasModel, SignalsModel

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterator

    from vispa_panel.physics.byte_doors import ByteDoor

MOST_BYTES = 1 << 30
"""Bytes that one object or basket may claim to become."""


class DoorSource(Source):  # type: ignore[misc]  # uproot has no types
    """uproot's physical layer over a :class:`ByteDoor`; a subclass is bound to one door."""

    door: ByteDoor

    def __init__(self, file_path: str, **_options: Any) -> None:
        super().__init__()
        self._file_path = file_path
        self._num_bytes = self.door.size
        self._closed = False

    def chunk(self, start: int, stop: int) -> Chunk:
        """One range of bytes."""
        return self._filled([(start, stop)])[0]

    def chunks(
        self, ranges: list[tuple[int, int]], notifications: queue.Queue[Chunk]
    ) -> list[Chunk]:
        """Several ranges, asked for together."""
        filled = self._filled(ranges)
        for one in filled:
            notifications.put(one)
        return filled

    def _filled(self, ranges: list[tuple[int, int]]) -> list[Chunk]:
        for start, stop in ranges:
            if not 0 <= start <= stop or stop - start > MOST_BYTES:
                message = "The file points to bytes that it cannot have: it is damaged."
                raise UnreadableData(message)
        self._num_requests += 1
        self._num_requested_chunks += len(ranges)
        pieces = self.door.read_ranges(ranges)
        self._num_requested_bytes += sum(map(len, pieces))
        return [
            Chunk(self, start, stop, TrivialFuture(np.frombuffer(data, dtype=np.uint8)))
            for (start, stop), data in zip(ranges, pieces, strict=True)
        ]

    @property
    def closed(self) -> bool:
        """Whether the file was closed."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self.door.close()


def open_uproot(door: ByteDoor) -> Any:
    """Uproot's root directory of the file behind a door; raises UnreadableData."""
    bound = type("BoundSource", (DoorSource,), {"door": door})
    with told(door.name):
        return uproot.open(
            {door.name.replace(":", "_"): None},
            handler=bound,
            custom_classes=fresh_classes(),
            array_cache=None,
            object_cache=100,
        )


def fresh_classes() -> dict[str, Any]:
    """Uproot's classes as they are known without any file, for one file to add to."""
    classes = {name: _own(shape) for name, shape in _PRISTINE.items()}
    classes["TCanvas"] = type("Model_TCanvas", (CanvasModel,), {})
    classes["TQObject"] = type("Model_TQObject", (SignalsModel,), {})
    return classes


def _own(shape: type[Any]) -> type[Any]:
    if not issubclass(shape, DispatchByVersion):
        return shape
    known = dict(_PRISTINE_VERSIONS.get(shape, {}))
    maker: Any = type(shape)
    own: type[Any] = maker(shape.__name__, (shape,), {"known_versions": known})
    return own


_PRISTINE: dict[str, type[Any]] = dict(uproot.classes)
_PRISTINE_VERSIONS: dict[type[Any], dict[int, Any]] = {
    shape: dict(shape.known_versions)
    for shape in _PRISTINE.values()
    if issubclass(shape, DispatchByVersion)
}


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Turn whatever uproot raises into one sentence about ``what``."""
    short = what.rpartition("/")[2]
    try:
        yield
    except PortalError:
        raise
    except MemoryError as error:
        message = f"{short} claims to hold more than there is memory for."
        raise UnreadableData(message) from error
    except NotImplementedError as error:
        message = f"{short} is of a kind that cannot be read yet ({first_line(error)})."
        raise UnreadableData(message) from error
    except (EOFError, struct.error) as error:
        message = f"{short} is damaged or cut short."
        raise UnreadableData(message) from error
    except (KeyError, IndexError) as error:
        message = f"{short} cannot be read: its description does not fit what is stored."
        raise UnreadableData(message) from error
    except zlib.error as error:
        message = f"{short} is damaged: its compressed data make no sense."
        raise UnreadableData(message) from error
    except KeyboardInterrupt as error:
        message = "The request was cancelled."
        raise Superseded(message) from error
    except OSError as error:
        cut = "expected Chunk of length" in str(error)
        reason = "it ends before it should" if cut else first_line(error)
        message = f"{short} is damaged: {reason}."
        raise UnreadableData(message) from error
    # uproot runs into anything at all when the bytes are not what they claim to be.
    except Exception as error:
        message = f"{short} cannot be read: {first_line(error)}."
        raise UnreadableData(message) from error


LINE = 160
"""Characters of an error that are shown."""


def first_line(error: BaseException) -> str:
    """What an error says first, short and without a full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return (text[: LINE - 3] + "..." if len(text) > LINE else text).rstrip(".")
