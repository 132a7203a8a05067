"""A ROOT file, or several with the same trees: its objects, their values, histograms of its trees.

This reads in the process it is called in: right for a notebook. The portal reads in processes of
their own, by :class:`vispa_panel.physics.readers.RootReader`, which has the same methods.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vispa_panel.errors import PortalError, UnreadableData
from vispa_panel.physics.byte_doors import door_to
from vispa_panel.physics.columns import ColumnCache, Columns
from vispa_panel.physics.drawables import drawable
from vispa_panel.physics.filling import Drawing, DrawRequest, filled
from vispa_panel.physics.key_list import KeyList
from vispa_panel.physics.uproot_door import open_uproot, told
from vispa_panel.physics.values import ObjectPage, ObjectRecord, Tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    import hist

    from vispa_panel.physics.byte_doors import ByteDoor
    from vispa_panel.physics.values import Drawable


def _no_progress(_: float) -> None:
    """Nobody asks how far it is."""


class RootFile:
    """An open ROOT file; with several sources the trees of all are drawn as one chain.

    Use :meth:`open`; close it in the end, or use it in a ``with`` statement.
    """

    def __init__(self, doors: Sequence[ByteDoor]) -> None:
        self.names = tuple(door.name for door in doors)
        self._doors = tuple(doors)
        self._directories: list[Any] = []
        self._lists: list[KeyList] = []
        for door in doors:
            directory = open_uproot(door)
            self._directories.append(directory)
            self._lists.append(KeyList(directory))
        self._cache = ColumnCache()
        self._columns: dict[tuple[int, str], Columns] = {}

    @classmethod
    def open(cls, source: object) -> Self:
        """Open a path, a URL, a door to a file's bytes, or a sequence of them.

        Raises FileMissing when there is no such file and UnreadableData when it is no ROOT file,
        or a damaged one.
        """
        many = isinstance(source, Sequence) and not isinstance(source, str | bytes | os.PathLike)
        sources = list(source) if many and isinstance(source, Sequence) else [source]
        doors: list[ByteDoor] = []
        try:
            doors.extend(map(door_to, sources))
            return cls(doors)
        except PortalError:
            for door in doors:
                door.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        for door in self._doors:
            door.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- looking ------------------------------------------------------------------------------

    def objects(
        self, path: str = "", *, recursive: bool = False, file: int = 0
    ) -> tuple[ObjectRecord, ...]:
        """The objects in the folder at ``path`` (in all below as well, if ``recursive``)."""
        with told(path or self.names[file]):
            return self._lists[file].records(path, recursive=recursive)

    def page(
        self,
        path: str = "",
        *,
        name: str = "",
        kinds: Sequence[str] = (),
        start: int = 0,
        limit: int = 500,
        recursive: bool = False,
        file: int = 0,
    ) -> ObjectPage:
        """Some of the objects: those whose path has ``name`` in it, of classes beginning so."""
        with told(path or self.names[file]):
            return self._lists[file].page(
                path, name=name, kinds=tuple(kinds), start=start, limit=limit, recursive=recursive
            )

    def read(self, path: str, *, cycle: int | None = None, file: int = 0) -> Drawable:
        """The value of an object, the newest cycle unless one is named; raises UnreadableData."""
        model = self._model(path, cycle, file)
        if hasattr(model, "num_entries"):
            return self._tree_value(path, model, file)
        return drawable(model)

    def _model(self, path: str, cycle: int | None, file: int) -> Any:
        with told(path):
            key = self._lists[file].key(path, cycle)
            if key is None:
                message = f"There is no {path} in {self.names[file].rpartition('/')[2]}."
                raise UnreadableData(message)
            model = key.get()
        if hasattr(model, "iterclassnames"):
            message = f"{path} is a folder."
            raise UnreadableData(message)
        return model

    def _tree_value(self, path: str, model: Any, file: int) -> Tree:
        with told(path):
            columns = self.columns(path, file=file)
            class_name = self._lists[file].class_name(path)
            return Tree(
                name=path.rpartition("/")[2],
                title=str(getattr(model, "title", "") or getattr(model, "description", "")),
                class_name=class_name,
                entries=sum(one.entries for one in self.chain(path))
                if file == 0
                else columns.entries,
                branches=columns.branches(),
            )

    def columns(self, tree: str, *, file: int = 0) -> Columns:
        """The columns of a tree in one of the files; raises UnreadableData."""
        tree = tree.partition(";")[0].strip("/")
        known = self._columns.get((file, tree))
        if known is None:
            model = self._model(tree, None, file)
            if not hasattr(model, "num_entries"):
                message = f"{tree} is not a tree."
                raise UnreadableData(message)
            with told(tree):
                known = Columns(model, key=(file, tree), cache=self._cache)
            self._columns[file, tree] = known
        return known

    def chain(self, tree: str) -> list[Columns]:
        """The columns of a tree in all of the files."""
        return [self.columns(tree, file=number) for number in range(len(self._doors))]

    # -- drawing ------------------------------------------------------------------------------

    def histogram(
        self,
        tree: str,
        expression: str,
        *,
        cut: str | None = None,
        weight: str | None = None,
        bins: Any = None,
        range: Any = None,  # noqa: A002 - NumPy's word for it
        profile: bool = False,
        progress: Callable[[float], None] = _no_progress,
    ) -> hist.Hist[Any]:
        """A histogram of an expression of a tree's branches, as TTree::Draw makes it.

        ``x``, ``y:x`` and ``z:y:x`` make one, two and three axes (x is the first axis); with
        ``profile`` the first expression is averaged over the others. Branches with several
        values in an entry fill once each; ``max(jet_pt)``, ``count(jet_pt)``, ``jet_pt[0]``
        make one value. ``cut`` passes what is true or not 0. ``bins`` is a number or edges, or
        one of these an axis; ``range`` is (low, high), or one an axis. Where they are not
        given, round limits are found so that every finite value has its bin.

        A bin holds its lower edge but not its upper one; what is not a number is counted with
        the overflow. The storage is ``Double``, ``Weight`` with a weight, ``Mean`` or
        ``WeightedMean`` for a profile. ``progress`` is told the part done, 0 to 1.

        Raises ExpressionError (with the place in the text) and UnreadableData.
        """
        request = DrawRequest(expression, cut, weight, bins, range, profile)
        return self.histograms(tree, [request], progress=progress)[0]

    def histograms(
        self,
        tree: str,
        requests: Sequence[DrawRequest],
        *,
        progress: Callable[[float], None] = _no_progress,
    ) -> tuple[hist.Hist[Any], ...]:
        """Several histograms to be drawn over each other, all with the first one's bins."""
        columns = self.chain(tree)
        drawings = [Drawing(request, columns) for request in requests]
        with told(tree):
            return filled(drawings, progress)
