from __future__ import annotations

import ast
import re
import tomllib
from typing import Any

import pytest

from tests.house.tree import ROOT, files, parsed
from vispa_panel.settings import Settings

TEXT = {".py", ".md", ".toml", ".txt", ".css", ".sh", ".html", ".cfg", ".service", ""}
ELSEWHERE = re.compile(r"(?<![\w./-])/(?:work|root|tmp/w|farm)/\w")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def constraints() -> list[str]:
    return (ROOT / "constraints.txt").read_text().splitlines()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_style_sheet_belongs_to_a_view_of_its_name() -> None:
    sheets = {path.stem for path in (ROOT / "assets" / "css").glob("*.css")}
    rooms = ("components", "pages", "vispa_panel/server")
    stems = {path.stem for room in rooms for path in (ROOT / room).glob("*.py")}
    views = {stem.removesuffix("_handlers") for stem in stems}

    assert sheets - views == set()


def test_constraints_are_names_and_versions_only() -> None:
    assert constraints()
    assert [line for line in constraints() if not VERSION.fullmatch(line)] == []


def test_every_dependency_is_pinned() -> None:
    pinned = {normal(line.split("==")[0]) for line in constraints()}
    groups = [project()["dependencies"], *project()["optional-dependencies"].values()]
    wanted = [requirement for group in groups for requirement in group]
    names = {normal(re.split(r"[<>=!\[ ;]", requirement)[0]) for requirement in wanted}

    assert names - pinned == set()


def test_no_file_names_a_place_of_one_machine() -> None:
    everywhere = (
        "vispa_panel",
        "components",
        "pages",
        "assets",
        "deploy",
        "tests",
        "docs",
        "bench",
    )
    paths = list(files(*(room for room in everywhere if (ROOT / room).is_dir())))
    paths += [path for path in ROOT.iterdir() if path.is_file()]
    named = {
        str(path.relative_to(ROOT))
        for path in paths
        if path.suffix in TEXT and ELSEWHERE.search(path.read_text(errors="replace"))
    }

    assert named == set()


def test_the_commands_of_the_readme_are_made() -> None:
    told = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text()))
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {"demo", "test"} <= told
    assert told - made == set()


def documentation() -> str:
    paths = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return "\n".join(path.read_text() for path in paths)


def settings() -> list[str]:
    found = []
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        names = getattr(kind, "model_fields", None) or kind.__args__[0].model_fields  # type: ignore[union-attr]
        found += [f"{section}.{name}" for name in names]
    return found


@pytest.mark.parametrize("setting", settings())
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in documentation()


def views() -> list[str]:
    """Name the classes in components and pages that draw something."""
    return [
        node.name
        for room in ("components", "pages")
        for path in sorted((ROOT / room).glob("*.py"))
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and any("Viewer" in ast.unparse(base) or "HTML" in ast.unparse(base) for base in node.bases)
    ]


@pytest.mark.parametrize("view", views())
def test_every_component_and_page_is_documented(view: str) -> None:
    assert f"`{view}`" in documentation()
