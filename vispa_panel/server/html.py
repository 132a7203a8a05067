"""The few pages without widgets: templates in ``assets/templates``, everything escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tornado.template import Loader

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@cache
def _loader() -> Loader:
    return Loader(str(ASSETS / "templates"))


def render(template: str, **values: object) -> bytes:
    """A template filled in; every value is escaped by Tornado's autoescape."""
    return _loader().load(template).generate(**values)
