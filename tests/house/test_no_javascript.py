from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.house.tree import ROOMS, ROOT, code_strings, files, parsed, product_code

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = {".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".vue", ".svelte", ".wasm"}
NAMES = {
    "_scripts",
    "_esm",
    "_importmap",
    "_bundle",
    "__javascript__",
    "CustomJS",
    "js_on_click",
    "js_on_change",
    "js_on_event",
    "jscallback",
}
# An event attribute may name a Python method, ${_method}, and nothing else.
MARKUP = re.compile(
    r"""<script|javascript:|<[^>]*\son[a-z]+\s*=\s*(?!["']?\$\{\w+\}["']?[\s/>])""", re.IGNORECASE
)
# Bokeh's own template has script elements; this one module gives them the policy's nonce.
GIVES_NONCES = ROOT / "vispa_panel" / "server" / "content_policy.py"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_holds_another_language_for_the_browser() -> None:
    found = [path for path in files(*ROOMS, "tests") if path.suffix.lower() in SUFFIXES]

    assert found == []


@pytest.mark.parametrize("path", product_code(), ids=named)
def test_no_code_hands_javascript_to_the_browser(path: Path) -> None:
    tree = parsed(path)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
    linked = [
        keyword.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("jslink")
        for keyword in node.keywords
    ]

    assert used & NAMES == set()
    assert "code" not in linked
    if path != GIVES_NONCES:
        assert [text for text in code_strings(tree) if MARKUP.search(text)] == []


@pytest.mark.parametrize(
    "path", [path for path in files(*ROOMS) if path.suffix in {".html", ".svg", ".css"}], ids=named
)
def test_no_markup_holds_a_script(path: Path) -> None:
    assert MARKUP.search(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize(
    "markup",
    ['<script src="x">', '<a href="javascript:x()">', '<p class="a" onclick="go()">', "<b onx=${"],
)
def test_the_rule_knows_what_it_forbids(markup: str) -> None:
    assert MARKUP.search(markup)
    assert MARKUP.search('<p onclick="${_go}">') is None
