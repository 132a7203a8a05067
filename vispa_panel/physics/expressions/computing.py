"""An expression as a tree of allowed parts, and its value on arrays of entries."""

from __future__ import annotations

import ast
import difflib
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import awkward as ak
import numpy as np

from vispa_panel.errors import ExpressionError, PortalError
from vispa_panel.physics.expressions.functions import (
    MATHEMATICAL,
    REDUCING,
    constant_named,
    function_named,
)
from vispa_panel.physics.expressions.syntax import Source, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

Names: TypeAlias = "Collection[str]"
SPECIAL = ("Entry$", "Entries$")
"""Names that stand for themselves: the entry's number, and how many there are."""
MOST_PARTS = 1000

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: np.fmod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_BITS = (ast.BitAnd, ast.BitOr, ast.LShift, ast.RShift)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression; ``branches`` are the columns it needs, in the order met."""

    text: str
    branches: tuple[str, ...]
    source: Source
    tree: ast.expr

    def value(self, columns: Mapping[str, Any]) -> Any:
        """The value for the entries in ``columns`` (one array a branch; all the same length).

        A NumPy array of shape (entries,), an Awkward array where entries hold several values, or
        a number. Raises ExpressionError.
        """
        return _Evaluation(self, columns).of(self.tree)


def parsed(text: str, known: Names, *, parameters: bool = False, start: int = 0) -> Expression:
    """Check an expression against the names of branches; raises ExpressionError with its place.

    ``start`` is where the text begins in the one the person typed.
    """
    if not text.strip():
        message = "There is nothing to compute: type an expression."
        raise ExpressionError(message, place=start)
    source = translated(text, parameters=parameters, start=start)
    try:
        lead = len(source.text) - len(source.text.lstrip())
        tree = ast.parse(source.text.lstrip(), mode="eval").body
    except SyntaxError as error:
        place = source.place(lead + (error.offset or 1) - 1)
        message = f"The expression cannot be understood at {_around(text, place - start)}."
        raise ExpressionError(message, place=place) from error
    except (RecursionError, MemoryError, ValueError) as error:
        message = "The expression is nested too deeply."
        raise ExpressionError(message) from error
    for node in ast.walk(tree):
        if hasattr(node, "col_offset"):
            node.col_offset += lead
    check = _Check(text, source, known, start)
    check.visit(tree)
    return Expression(text, tuple(check.branches), source, tree)


def _around(text: str, at: int) -> str:
    if at >= len(text.rstrip()):
        return "its end"
    return repr(text[at : at + 12].strip() or text[at : at + 1])


class _Check:
    """Walks a tree and refuses what is not on the list."""

    def __init__(self, text: str, source: Source, known: Names, start: int) -> None:
        self.text, self.source, self.known, self.start = text, source, known, start
        self.branches: list[str] = []
        self._left = MOST_PARTS

    def refuse(self, node: ast.AST, sentence: str) -> ExpressionError:
        return ExpressionError(sentence, place=self.source.place(getattr(node, "col_offset", 0)))

    def visit(self, node: ast.expr) -> None:  # noqa: C901 - one kind of node a case
        self._left -= 1
        if self._left < 0:
            raise self.refuse(node, "The expression has too many parts.")
        match node:
            case ast.Constant(value=bool() | int() | float() | str()):
                return
            case ast.Name(id=name):
                self._name(node, self.source.names[int(name[1:])] if name[1:].isdigit() else name)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                self.visit(left)
                self.visit(right)
            case ast.UnaryOp(operand=operand):
                self.visit(operand)
            case ast.BoolOp(values=values):
                for value in values:
                    self.visit(value)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self._comparison(node, [left, *others], ops)
            case ast.Call():
                self._call(node)
            case ast.Subscript(value=value, slice=index):
                self.visit(value)
                self.visit(index)
            case _:
                what = type(node).__name__
                raise self.refuse(node, f"This cannot stand in an expression ({what}).")

    def _name(self, node: ast.AST, name: str) -> None:
        branch = branch_of(name, self.known)
        if branch is not None:
            if branch not in self.branches:
                self.branches.append(branch)
        elif name not in SPECIAL and constant_named(name) is None:
            if function_named(name) is not None:
                raise self.refuse(node, f"{name} is a function: write {name}(...).")
            close = difflib.get_close_matches(name, self.known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise self.refuse(node, f"There is no branch {name}.{hint}")

    def _comparison(self, node: ast.AST, sides: list[ast.expr], ops: list[ast.cmpop]) -> None:
        if any(type(op) not in _COMPARISONS for op in ops):
            raise self.refuse(node, "Only <, <=, >, >=, == and != compare.")
        for side in sides:
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.BitAnd | ast.BitOr):
                at = self.source.place(side.col_offset) - self.start
                if not self.text[max(at - 1, 0) : at + 1].count("("):
                    raise self.refuse(side, "Write && and || between comparisons, not & and |.")
            self.visit(side)

    def _call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise self.refuse(node, "Only functions of the list can be called.")
        written = node.func.id
        name = self.source.names[int(written[1:])] if written[1:].isdigit() else written
        if constant_named(name) is not None and not node.args:
            return
        found = function_named(name)
        if found is None:
            close = difflib.get_close_matches(name, [*MATHEMATICAL, *REDUCING], n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise self.refuse(node, f"There is no function {name}.{hint}")
        _, fewest, most = found
        if not fewest <= len(node.args) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise self.refuse(node, f"{name} takes {wanted} values, not {len(node.args)}.")
        for argument in node.args:
            self.visit(argument)


def branch_of(name: str, known: Names) -> str | None:
    """The branch that a (dotted) name stands for, or begins with; None when there is none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        for separator in (".", "/"):
            candidate = separator.join(parts[:length])
            if candidate in known:
                return candidate
            if f"{candidate}." in known:
                return f"{candidate}."
    return None


class _Evaluation:
    """One walk over a checked tree, with the columns at hand."""

    def __init__(self, expression: Expression, columns: Mapping[str, Any]) -> None:
        self._expression = expression
        self._columns = columns
        self._source = expression.source

    def of(self, node: ast.expr) -> Any:
        try:
            with np.errstate(all="ignore"):
                return self._of(node)
        except PortalError:
            raise
        except MemoryError as error:
            message = "The expression needs more memory than there is."
            raise ExpressionError(message) from error
        # Awkward and NumPy answer shapes and types that do not go together with many errors.
        except Exception as error:
            place = self._source.place(node.col_offset)
            message = (
                f"{self._expression.text.strip()} cannot be computed: its parts do not have the"
                " same number of values in each entry, or are not numbers."
            )
            raise ExpressionError(message, place=place) from error

    def _of(self, node: ast.expr) -> Any:  # noqa: PLR0911 - one line a kind of node
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, self._of(left), self._of(right))
            case ast.UnaryOp(op=op, operand=operand):
                return self._unary(node, op, self._of(operand))
            case ast.BoolOp(op=op, values=values):
                parts = [_truth(self._of(value)) for value in values]
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                result = parts[0]
                for part in parts[1:]:
                    result = join(result, part)
                return result
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparison(left, ops, others)
            case ast.Subscript(value=value, slice=index):
                return _item(self._of(value), self._of(index))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(
                    self._source.names[int(name[1:])] if name[1:].isdigit() else name, arguments
                )
        message = "unreachable: the tree was checked"
        raise AssertionError(message)

    def _name(self, written: str) -> Any:
        name = self._source.names[int(written[1:])] if written[1:].isdigit() else written
        branch = branch_of(name, self._columns)
        if branch is None:
            constant = constant_named(name)
            return self._columns[name] if constant is None else constant
        column = self._columns[branch]
        rest = name[len(branch.rstrip(".")) :].strip(".")
        for field in rest.split(".") if rest else ():
            column = column[field]
        return column

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, _BITS):
            return _BINARY[type(op)](left, right)
        if isinstance(op, ast.Pow):
            return _power(left, right)
        if isinstance(left, int) and isinstance(right, int):
            left = float(left)  # numbers of any length would take any time
        return _BINARY[type(op)](_wide(left), _wide(right))

    def _unary(self, node: ast.UnaryOp, op: ast.unaryop, value: Any) -> Any:
        if isinstance(op, ast.USub):
            return -_wide(value)
        if isinstance(op, ast.UAdd):
            return value
        if isinstance(op, ast.Not) or node.col_offset in self._source.nots or _is_truth(value):
            return np.logical_not(_truth(value))
        return ~value

    def _comparison(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> Any:
        values = [self._of(side) for side in (left, *others)]
        result: Any = None
        for op, one, other in zip(ops, values, values[1:], strict=False):
            if isinstance(one, str) != isinstance(other, str) and not (
                _is_text(one) or _is_text(other)
            ):
                message = "A number is compared with a text."
                raise ExpressionError(message)
            compared = _COMPARISONS[type(op)](one, other)
            result = compared if result is None else np.logical_and(result, compared)
        return result

    def _call(self, name: str, arguments: list[ast.expr]) -> Any:
        constant = constant_named(name)
        if constant is not None:
            return constant
        found = function_named(name)
        if found is None:
            message = f"There is no function {name}."
            raise ExpressionError(message)
        return found[0](*(_wide(self._of(argument)) for argument in arguments))


def _is_text(value: Any) -> bool:
    return isinstance(value, str | ak.Array) or getattr(value, "dtype", np.dtype(int)).kind in "OU"


def _is_truth(value: Any) -> bool:
    if isinstance(value, ak.Array):
        return "bool" in str(ak.type(value))
    return isinstance(value, bool) or getattr(value, "dtype", None) == np.bool_


def _truth(value: Any) -> Any:
    return value if _is_truth(value) else value != 0


def _wide(value: Any) -> Any:
    """Small integers as 64-bit ones, so that sums and differences do not wrap around."""
    dtype = getattr(value, "dtype", None)
    if isinstance(value, np.ndarray) and dtype is not None and dtype.kind in "iub":
        if dtype.kind == "u" and dtype.itemsize == 8:  # noqa: PLR2004 - bytes of 64 bits
            return value.astype(np.float64)
        return value.astype(np.int64, copy=False)
    if isinstance(value, ak.Array):
        if ak.parameters(value).get("__array__") or ak.fields(value):
            return value
        text = str(ak.type(value)).rpartition(" ")[2].lstrip("?")
        if text in {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32"}:
            return ak.values_astype(value, np.int64)
        if text == "uint64":
            return ak.values_astype(value, np.float64)
    return value


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int | float) and isinstance(exponent, int | float):
        return float(np.float_power(base, exponent))
    base = _wide(base)
    if isinstance(exponent, int) and 0 <= exponent <= 8:  # noqa: PLR2004 - exact for integers
        return base**exponent
    if _has_floats(base):
        return base**exponent
    return np.float_power(base, exponent)


def _has_floats(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    return (dtype is not None and dtype.kind == "f") or "float" in str(getattr(value, "type", ""))


def _item(value: Any, index: Any) -> Any:
    """One value of each entry by its number (entries that have it), or those a condition picks."""
    if not isinstance(value, ak.Array) or value.ndim < 2:  # noqa: PLR2004 - entries and values
        if isinstance(index, int) and index in {0, -1}:
            return value
        message = "There is only one value in each entry: leave the brackets out."
        raise ExpressionError(message)
    if isinstance(index, ak.Array):
        return value[index]
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    if not isinstance(index, int) or abs(index) > 1 << 20:
        message = "In brackets stands a number or a condition, such as jet_pt[jet_pt > 30]."
        raise ExpressionError(message)
    if index < 0:
        return ak.pad_none(value[:, ::-1], -index, axis=1)[:, -index - 1]
    return ak.pad_none(value, index + 1, axis=1)[:, index]
