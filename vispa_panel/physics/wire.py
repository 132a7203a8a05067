"""Values between the portal and a reader process, as bytes that can only become values.

One message is a JSON text with the arrays' raw bytes behind it. Reading one makes numbers, texts,
arrays of plain numbers and the frozen values named in :data:`SHAPES`, and never runs anything: a
reader that a hostile file has taken over can send nonsense, but not code.

``[total length: 8 bytes][length of the JSON: 8 bytes][JSON][buffers]``, little endian.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any

import hist
import numpy as np
from boost_histogram.serialization import from_uhi, to_uhi

from vispa_panel.physics import entries, fits, values

HEADER = struct.Struct("<QQ")
LIMIT = 1 << 30
"""Bytes of one message; more is refused."""
DEPTH = 40
"""How deep values may stand in each other."""

SHAPES: dict[str, type[Any]] = {
    shape.__name__: shape
    for module in (values, entries, fits)
    for shape in vars(module).values()
    if isinstance(shape, type)
    and dataclasses.is_dataclass(shape)
    and shape.__module__ == module.__name__
}
_PLAIN_KINDS = "biufUSMm"


class BadMessage(ValueError):
    """The bytes are not a message of this protocol."""


def pack(value: Any) -> bytes:
    """One message; raises TypeError for a value that has no place in it."""
    buffers: list[bytes] = []
    text = json.dumps(_plain(value, buffers)).encode()
    total = HEADER.size + len(text) + sum(map(len, buffers))
    return b"".join((HEADER.pack(total, len(text)), text, *buffers))


def lengths(head: bytes) -> tuple[int, int]:
    """The total length and the JSON's of the message that starts with ``head`` (16 bytes)."""
    total, text = HEADER.unpack(head)
    if total > LIMIT or HEADER.size + text > total:
        message = "a message is too long"
        raise BadMessage(message)
    return total, text


def unpack(message: bytes | bytearray | memoryview) -> Any:
    """The value of a whole message; raises BadMessage."""
    view = memoryview(message)
    total, text = lengths(bytes(view[: HEADER.size]))
    if total != len(view):
        error = "a message is cut short"
        raise BadMessage(error)
    body = HEADER.size + text
    try:
        return _value(json.loads(bytes(view[HEADER.size : body])), view[body:], 0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        message_text = "a message makes no sense"
        raise BadMessage(message_text) from error


def _plain(value: Any, buffers: list[bytes]) -> Any:  # noqa: PLR0911 - one kind a line
    if isinstance(value, np.generic):
        value = value.item() if value.dtype.kind in "biuf" else str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        return _array(value, buffers)
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$": "b", "of": _buffer(bytes(value), buffers)}
    if isinstance(value, list | tuple):
        items = [_plain(item, buffers) for item in value]
        return {"$": "t", "of": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {"$": "d", "of": [[str(k), _plain(v, buffers)] for k, v in value.items()]}
    if isinstance(value, hist.BaseHist):
        return {"$": "h", "of": _plain(to_uhi(value), buffers)}
    if type(value).__name__ in SHAPES and dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        members = [_plain(getattr(value, field.name), buffers) for field in fields]
        return {"$": type(value).__name__, "of": members}
    message = f"a {type(value).__name__} cannot be sent"
    raise TypeError(message)


def _buffer(data: bytes, buffers: list[bytes]) -> list[int]:
    start = sum(map(len, buffers)) if buffers else 0
    buffers.append(data)
    return [start, start + len(data)]


def _array(value: np.ndarray[Any, Any], buffers: list[bytes]) -> dict[str, Any]:
    if value.dtype.kind not in _PLAIN_KINDS:
        return {"$": "a", "dtype": "", "of": [_plain(str(item), buffers) for item in value.ravel()]}
    value = np.ascontiguousarray(value)
    place = _buffer(value.tobytes(), buffers)
    return {"$": "a", "dtype": value.dtype.str, "shape": list(value.shape), "of": place}


def _value(plain: Any, buffers: memoryview, depth: int) -> Any:  # noqa: PLR0911 - one kind a line
    if depth > DEPTH:
        message = "values stand too deep in each other"
        raise BadMessage(message)
    deeper = depth + 1
    if isinstance(plain, list):
        return [_value(item, buffers, deeper) for item in plain]
    if not isinstance(plain, dict):
        return plain
    kind, of = plain["$"], plain["of"]
    if kind == "b":
        return bytes(buffers[of[0] : of[1]])
    if kind == "a":
        return _read_array(plain, buffers)
    if kind == "t":
        return tuple(_value(item, buffers, deeper) for item in of)
    if kind == "d":
        return {str(name): _value(item, buffers, deeper) for name, item in of}
    if kind == "h":
        return hist.Hist(from_uhi(_value(of, buffers, deeper)))
    return SHAPES[kind](*(_value(item, buffers, deeper) for item in of))


def _read_array(plain: dict[str, Any], buffers: memoryview) -> np.ndarray[Any, Any]:
    if not plain["dtype"]:
        return np.array([str(item) for item in plain["of"]])
    dtype = np.dtype(str(plain["dtype"]))
    if dtype.kind not in _PLAIN_KINDS or dtype.hasobject:
        message = "an array of objects was sent"
        raise BadMessage(message)
    start, stop = plain["of"]
    flat = np.frombuffer(buffers[start:stop], dtype=dtype)
    return flat.reshape([int(length) for length in plain["shape"]])
