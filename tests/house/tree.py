"""What the checks of the house look at: the files of the tree, without what is generated."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
ROOMS = ("vispa_panel", "components", "pages", "assets", "deploy")
SKIPPED = {"__pycache__", ".venv", ".git", "dist", "build", "demo-data", ".hypothesis"}


@cache
def files(*rooms: str) -> tuple[Path, ...]:
    """Real files below the rooms (links into other rooms are not followed)."""
    found: list[Path] = []
    pending = [ROOT / room for room in rooms]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_symlink() or path.name in SKIPPED:
                continue
            if path.is_dir():
                if not path.name.startswith(".") or path.name == ".ci":
                    pending.append(path)
            else:
                found.append(path)
    return tuple(found)


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def product_code() -> list[Path]:
    """Every Python file of the product."""
    return [path for path in files(*ROOMS) if path.suffix == ".py"]


def code_strings(tree: ast.Module) -> Iterator[str]:
    """Every string of the code that is not documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in documentation:
            if isinstance(node.value, str):
                yield node.value
            elif isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
