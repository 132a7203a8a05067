"""A text opened in the editor: loaded, changed, kept as a draft, saved, never lost."""

from __future__ import annotations

import asyncio
import contextvars
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import param

from vispa_panel.errors import FileConflict, PortalError
from vispa_panel.workspace.files import TextFile

if TYPE_CHECKING:
    from vispa_panel.workspace.files import Files

DRAFT_DELAY = 0.8
"""Seconds of quiet after which what was typed is kept as a draft."""

OVERLONG_CHANGE = 4 << 20
"""A text longer than this many characters is not taken from a browser."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Text typed but not saved; ``base_digest`` is the SHA-256 of the file it started from."""

    text: str
    base_digest: str


class DraftStore(Protocol):
    """Where drafts live: they belong to the user and survive browser and portal."""

    async def load(self, path: str) -> Draft | None:
        """The draft of a file, if there is one."""
        ...

    async def keep(self, path: str, draft: Draft) -> None:
        """Keep (or replace) the draft of a file."""
        ...

    async def drop(self, path: str) -> None:
        """The text was saved: its draft is no longer needed."""
        ...


class NoDrafts:
    """A draft store for an editor that is used alone: it keeps nothing."""

    async def load(self, path: str) -> Draft | None:  # noqa: ARG002
        """Nothing was kept."""
        return None

    async def keep(self, path: str, draft: Draft) -> None:
        """Keep nothing."""

    async def drop(self, path: str) -> None:
        """There is nothing to drop."""


class OpenDocument(param.Parameterized):
    """The state of one open text; the view binds ``text``, the page its actions."""

    path = param.String(doc="Absolute path on the workspace host.")
    text: str = param.String(doc="The text as it stands in the editor.")  # type: ignore[assignment]
    saved: TextFile | None = param.ClassSelector(
        class_=TextFile, allow_None=True, doc="What the host has."
    )  # type: ignore[assignment]
    dirty = param.Boolean(default=False, doc="Whether the text differs from the host's.")
    read_only = param.Boolean(default=True, doc="Whether it cannot be edited (now).")
    status = param.String(doc="One short sentence: saved, unsaved, why it is read-only.")
    problem: PortalError | None = param.ClassSelector(  # type: ignore[assignment]
        class_=PortalError, allow_None=True, doc="What went wrong last; None when all is well."
    )
    saving = param.Boolean(default=False, doc="Whether a save is under way.")

    def __init__(self, path: str, files: Files, drafts: DraftStore | None = None) -> None:
        super().__init__(path=path)
        self._files = files
        self._drafts: DraftStore = drafts if drafts is not None else NoDrafts()
        self._draft_task: asyncio.Task[None] | None = None
        self._save_lock = asyncio.Lock()

    @property
    def title(self) -> str:
        """The file's name."""
        return posixpath.basename(self.path)

    async def load(self) -> None:
        """Read the file; a kept draft of it comes back as unsaved text.

        Raises nothing: a failure stands in ``problem``.
        """
        try:
            current = await self._files.read_text(self.path)
            draft = None if current.truncated else await self._drafts.load(self.path)
        except PortalError as error:
            self.param.update(problem=error, status=str(error), read_only=True)
            return
        self._show(current)
        if draft is not None and draft.text != current.text:
            self._bring_back(draft, current)

    def _show(self, current: TextFile) -> None:
        status = "Saved"
        if current.truncated:
            status = f"Only the first {len(current.text):,} characters are shown, read-only."
        elif not current.writable:
            status = "Read-only: your account may not write this file."
        self.param.update(
            saved=current,
            text=current.text,
            dirty=False,
            read_only=current.truncated or not current.writable,
            status=status,
            problem=None,
        )

    def _bring_back(self, draft: Draft, current: TextFile) -> None:
        self.param.update(text=draft.text, dirty=True, status="Unsaved text was brought back.")
        if draft.base_digest != current.digest:
            self.problem = FileConflict(
                f"{self.title} changed on the host after this text was typed.",
                path=self.path,
                current_digest=current.digest,
            )

    def change(self, text: str) -> None:
        """Take what was typed; a draft of it is kept after a short quiet.

        The browser decides nothing: a read-only text stays as it is, an overlong one is refused.
        """
        if self.read_only or text == self.text:
            return
        if len(text) > OVERLONG_CHANGE:
            self.status = "This text is too long for the editor; the change was not taken."
            return
        dirty = self.saved is None or text != self.saved.text
        self.param.update(text=text, dirty=dirty, status="Unsaved" if dirty else "Saved")
        if self._draft_task is not None:
            self._draft_task.cancel()
        self._draft_task = asyncio.get_running_loop().create_task(
            self._keep_draft(), context=contextvars.Context()
        )

    async def _keep_draft(self) -> None:
        await asyncio.sleep(DRAFT_DELAY)
        await self._store_draft()

    async def _store_draft(self) -> None:
        if not self.dirty:
            await self._drafts.drop(self.path)
            return
        base = self.saved.digest if self.saved else ""
        await self._drafts.keep(self.path, Draft(text=self.text, base_digest=base))

    async def save(self, *, overwrite: bool = False) -> bool:
        """Put the text on the host; returns whether it is there now.

        On failure the text stays, as a draft too, and ``problem`` says why.
        """
        async with self._save_lock:
            if self.read_only:
                return False
            self.saving = True
            text = self.text
            try:
                current = await self._files.save_text(
                    self.path, text, expected=self.saved, overwrite=overwrite
                )
            except PortalError as error:
                self.param.update(problem=error, status=f"Not saved: {error}", saving=False)
                await self._store_draft()
                return False
            # More may have been typed while the file travelled: only what was sent is saved.
            dirty = self.text != text
            self.param.update(
                saved=current,
                dirty=dirty,
                status="Unsaved" if dirty else "Saved",
                problem=None,
                saving=False,
            )
            if not dirty:
                await self._drop_draft()
            return True

    async def reload(self) -> None:
        """Give up what was typed and show what the host has."""
        await self._drop_draft()
        await self.load()

    async def _drop_draft(self) -> None:
        if self._draft_task is not None:
            self._draft_task.cancel()
        await self._drafts.drop(self.path)

    async def save_as(self, path: str) -> OpenDocument:
        """Save the text under another, free name; returns the document there.

        Raises FileError when that cannot be done.
        """
        new = await self._files.save_text(path, self.text, expected=None)
        await self._drop_draft()
        document = OpenDocument(path, self._files, self._drafts)
        document._show(new)
        return document

    async def close(self) -> None:
        """Keep what is unsaved and stop."""
        if self._draft_task is not None:
            self._draft_task.cancel()
        if self.dirty:
            await self._store_draft()
