"""ROOT's way of writing an expression turned into Python's, with the way back for positions.

``&&``, ``||``, ``!``, ``^`` (a power), ``TMath::Sqrt``, ``Length$(x)``, ``x[]``, ``@v.size()`` and
`` `any branch name` `` may be written; everything else is as in Python.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from vispa_panel.errors import ExpressionError

LONGEST = 4000
"""Characters of one expression."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<quoted>`[^`]*`)
    |(?P<text>"[^"\\]*"|'[^'\\]*')
    |(?P<size>@(?P<sized>[A-Za-z_][\w.]*)\.size\(\))
    |(?P<name>[A-Za-z_]\w*(?:(?:::|\.)[A-Za-z_]\w*)*\.?\$?)
    |(?P<parameter>\[[A-Za-z_]\w*\]|\[\d+\](?=\s*(?:[-+*/^),<>]|$)))
    |(?P<empty>\[\s*\])
    |(?P<sign>&&|\|\||\*\*|//|<=|>=|==|!=|<<|>>|[-+*/%^!~&|<>()\[\],?:])
    """,
    re.VERBOSE,
)
_WORDS = {"and": " and ", "or": " or ", "not": " not ", "in": " in "}
_SIGNS = {"&&": " and ", "||": " or ", "!": "~", "^": "**"}
_CONSTANTS = {"true": "True", "false": "False"}


@dataclass(frozen=True, slots=True)
class Source:
    """Python's way of writing, the names behind its ``n0``, ``n1``, ..., and where all came from.

    ``starts[i]`` is the position in the person's text of the Python text's character ``i``;
    ``nots`` are the places in the Python text where ``~`` stands for ROOT's ``!``.
    """

    text: str
    names: tuple[str, ...]
    starts: tuple[int, ...]
    nots: frozenset[int]

    def place(self, offset: int) -> int:
        """The position in the person's text of one in the Python text."""
        if not self.starts:
            return 0
        return self.starts[min(max(offset, 0), len(self.starts) - 1)]


def translated(text: str, *, parameters: bool = False, start: int = 0) -> Source:
    """Python's way of writing ``text``, which began at ``start`` of a longer one.

    With ``parameters``, ``[0]`` and ``[p0]`` are names of parameters; else ``[0]`` is an index.
    Raises ExpressionError.
    """
    if len(text) > LONGEST:
        message = f"The expression is longer than {LONGEST} characters."
        raise ExpressionError(message)
    writer = _Writer(start)
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            message = f"{text[at]!r} cannot stand in an expression."
            raise ExpressionError(message, place=start + at)
        kind = str(found.lastgroup if found.lastgroup != "sized" else "size")
        word = found.group(0)
        if kind == "parameter" and not (parameters or not word[1].isdigit()):
            kind, word = "sign", "["  # an index after all
        writer.add(kind, word, at)
        at += len(word)
    return writer.finished()


class _Writer:
    """The Python text while it is written."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._names: list[str] = []
        self._nots: set[int] = set()

    def add(self, kind: str, word: str, at: int) -> None:
        if kind == "space":
            self._write(" ", at)
        elif kind == "size":
            self._write(f"count({self._named(word[1:-7])})", at)
        elif kind == "quoted":
            self._write(self._named(word[1:-1]), at)
        elif kind == "parameter":
            self._write(self._named(f"[{word[1:-1].removeprefix('p')}]"), at)
        elif kind == "name":
            self._write(_WORDS.get(word) or _CONSTANTS.get(word) or self._named(word), at)
        elif kind == "number":
            self._write(word.lstrip("0") or "0" if word.isdigit() else word, at)
        elif kind in {"text", "sign"}:
            if word == "!":
                self._nots.add(len(self._starts))
            self._write(_SIGNS.get(word, word), at)

    def finished(self) -> Source:
        text = "".join(self._pieces)
        return Source(text, tuple(self._names), tuple(self._starts), frozenset(self._nots))

    def _named(self, name: str) -> str:
        if name not in self._names:
            self._names.append(name)
        return f"n{self._names.index(name)}"

    def _write(self, piece: str, at: int) -> None:
        self._pieces.append(piece)
        self._starts.extend([self._start + at] * len(piece))


def split_axes(text: str) -> list[tuple[str, int]]:
    """The parts of ``z:y:x`` and where each begins; ``::`` and what stands in brackets stay."""
    parts: list[tuple[str, int]] = []
    depth, begin, at = 0, 0, 0
    quoted = ""
    while at < len(text):
        sign = text[at]
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "`\"'":
            quoted = sign
        elif sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif text.startswith("::", at):
            at += 1
        elif sign == ":" and depth == 0:
            parts.append((text[begin:at], begin))
            begin = at + 1
        at += 1
    parts.append((text[begin:], begin))
    return parts
