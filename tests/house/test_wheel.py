from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from tests.house.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LOOK = """
import importlib.resources as resources
import vispa_panel, vispa_panel.components, vispa_panel.pages
from vispa_panel.demo.homes import DemoData
from pathlib import Path
import sys

assert Path(vispa_panel.__file__).is_relative_to(sys.argv[1]), vispa_panel.__file__
assert Path(vispa_panel.components.__file__).is_relative_to(sys.argv[1])
assets = resources.files("vispa_panel") / "assets"
assert (assets / "css" / "file_browser.css").is_file()
assert (DemoData(Path(sys.argv[2])).home("alice") / "data" / "Zmumu.root").is_file()
"""


def test_the_wheel_built_from_the_sdist_works_outside_the_tree(tmp_path: Path) -> None:
    built, site, elsewhere = (tmp_path / name for name in ("built", "site", "elsewhere"))
    (elsewhere / "homes").mkdir(parents=True)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)

    look = [sys.executable, "-c", LOOK, str(site), str(elsewhere)]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        look, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
