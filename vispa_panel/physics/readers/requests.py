"""What may be asked of a reader process, by name; nothing else can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from vispa_panel.physics import entries, fits
from vispa_panel.physics.filling import DrawRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.physics.root_file import RootFile

Progress: TypeAlias = "Callable[[float], None]"


def _page(file: RootFile, _: Progress, /, **options: Any) -> Any:
    return file.page(options.pop("path"), **options)


def _read(file: RootFile, _: Progress, /, *, path: str, cycle: int | None, number: int) -> Any:
    return file.read(path, cycle=cycle, file=number)


def _histograms(
    file: RootFile, progress: Progress, /, *, tree: str, requests: list[dict[str, Any]]
) -> Any:
    return file.histograms(tree, [DrawRequest(**one) for one in requests], progress=progress)


def _fit(_file: RootFile, _: Progress, /, *, data: Any, model: fits.Model, **options: Any) -> Any:
    return fits.fit(data, model, **options)


def _entries(file: RootFile, _: Progress, /, *, tree: str, number: int, **options: Any) -> Any:
    return entries.entry_page(file.columns(tree, file=number), **options)


def _event(file: RootFile, _: Progress, /, *, tree: str, entry: int, number: int) -> Any:
    return entries.event(file.columns(tree, file=number), entry)


def _pair_masses(
    file: RootFile, _: Progress, /, *, tree: str, entry: int, group: str, number: int
) -> Any:
    return entries.pair_masses(file.columns(tree, file=number), entry, group)


REQUESTS: dict[str, Callable[..., Any]] = {
    "objects": _page,
    "read": _read,
    "histograms": _histograms,
    "fit": _fit,
    "entries": _entries,
    "event": _event,
    "pair_masses": _pair_masses,
}
