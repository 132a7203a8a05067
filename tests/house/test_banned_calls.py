from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.house.tree import ROOT, parsed, product_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "htcondor"}
CALLS = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "torch.load",
    "yaml.load",
    "tempfile.mktemp",
    "htcondor.Submit",
    "htcondor2.Submit",
}
KEYWORDS = {("known_hosts", None), ("shell", True), ("verify", False), ("allow_pickle", True)}


def offences(tree: ast.Module) -> Iterator[str]:
    """Tell what in this code could run or trust what a stranger wrote."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            if ast.unparse(node.func) in CALLS:
                yield ast.unparse(node.func)
            for keyword in node.keywords:
                value = keyword.value
                if isinstance(value, ast.Constant) and (keyword.arg, value.value) in KEYWORDS:
                    yield ast.unparse(keyword)


@pytest.mark.parametrize("path", product_code(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_runs_or_trusts_what_a_stranger_wrote(path: Path) -> None:
    assert list(offences(parsed(path))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "connect(known_hosts=None)",
        "run(command, shell=True)",
        "htcondor2.Submit(text)",
    ],
)
def test_the_rule_knows_what_it_forbids(code: str) -> None:
    assert list(offences(ast.parse(code)))
