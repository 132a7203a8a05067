"""An open document never loses text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.support.dummies import MemoryDrafts, MemoryFiles
from vispa_panel.errors import DiskFull, FileConflict, NotConnected
from vispa_panel.workspace import documents
from vispa_panel.workspace.documents import Draft, OpenDocument

if TYPE_CHECKING:
    import pytest

PATH = "/home/ada/fit.py"


async def opened(files: MemoryFiles, drafts: MemoryDrafts | None = None) -> OpenDocument:
    document = OpenDocument(PATH, files, drafts or MemoryDrafts())
    await document.load()
    return document


async def test_loading_shows_the_hosts_text_as_saved() -> None:
    document = await opened(MemoryFiles({PATH: b"a = 1\n"}))

    assert (document.text, document.dirty, document.read_only) == ("a = 1\n", False, False)


async def test_a_missing_file_is_a_sentence_and_cannot_be_edited() -> None:
    document = await opened(MemoryFiles())

    document.change("typed into nothing")
    assert "not there" in str(document.problem)
    assert document.text == ""


async def test_saving_puts_the_text_on_the_host() -> None:
    files = MemoryFiles({PATH: b"a = 1\n"})
    document = await opened(files)
    document.change("a = 2\n")

    assert await document.save()
    assert files.files[PATH] == b"a = 2\n"
    assert (document.dirty, document.status) == (False, "Saved")


async def test_what_is_typed_while_saving_stays_unsaved() -> None:
    files = MemoryFiles({PATH: b"1"})
    document = await opened(files)
    document.change("12")
    files.may_finish.clear()
    save = asyncio.ensure_future(document.save())
    await files.saving.wait()
    document.change("123")
    files.may_finish.set()

    assert await save
    assert files.files[PATH] == b"12"
    assert (document.text, document.dirty) == ("123", True)
    await document.close()


async def test_a_conflict_keeps_both_texts_until_one_decides() -> None:
    files = MemoryFiles({PATH: b"ours"})
    document = await opened(files)
    files.files[PATH] = b"theirs"
    document.change("mine")

    assert not await document.save()
    assert isinstance(document.problem, FileConflict)
    assert (files.files[PATH], document.text) == (b"theirs", "mine")
    assert await document.save(overwrite=True)
    assert files.files[PATH] == b"mine"
    assert document.problem is None


async def test_a_full_disk_leaves_the_text_as_a_draft() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    document = await opened(files, drafts)
    files.failure = DiskFull("The disk is full.", path=PATH)
    document.change("new")

    assert not await document.save()
    assert drafts.drafts[PATH].text == "new"
    assert "disk is full" in document.status


async def test_typing_is_kept_as_a_draft_after_a_short_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(documents, "DRAFT_DELAY", 0.0)
    drafts = MemoryDrafts()
    document = await opened(MemoryFiles({PATH: b"old"}), drafts)

    document.change("new")
    async with asyncio.timeout(5):
        await drafts.kept.wait()
    assert drafts.drafts[PATH] == Draft("new", document.saved.digest if document.saved else "")


async def test_a_draft_comes_back_as_unsaved_text() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    first = await opened(files, drafts)
    first.change("typed before the crash")
    await first.close()

    second = await opened(files, drafts)
    assert (second.text, second.dirty, second.problem) == ("typed before the crash", True, None)
    await second.close()


async def test_a_draft_of_an_older_file_comes_back_with_a_warning() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    first = await opened(files, drafts)
    first.change("mine")
    await first.close()
    files.files[PATH] = b"theirs"

    second = await opened(files, drafts)
    assert second.text == "mine"
    assert isinstance(second.problem, FileConflict)
    await second.close()


async def test_saving_drops_the_draft() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    document = await opened(files, drafts)
    document.change("new")
    await document.close()

    assert await document.save()
    assert drafts.drafts == {}


async def test_a_head_of_a_long_file_is_read_only_whatever_the_browser_sends() -> None:
    document = await opened(MemoryFiles({PATH: b"x" * (2 << 20)}))

    document.change("replaced")
    assert document.read_only
    assert len(document.text) == 1 << 20
    assert not await document.save(overwrite=True)


async def test_an_overlong_change_is_refused_and_the_text_kept() -> None:
    document = await opened(MemoryFiles({PATH: b"short"}))

    document.change("x" * (documents.OVERLONG_CHANGE + 1))
    assert document.text == "short"
    assert "too long" in document.status


async def test_reloading_gives_up_the_typed_text() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    document = await opened(files, drafts)
    document.change("mine")
    files.files[PATH] = b"theirs"

    await document.reload()
    assert (document.text, document.dirty) == ("theirs", False)
    assert drafts.drafts == {}


async def test_a_lost_connection_keeps_what_is_typed() -> None:
    files, drafts = MemoryFiles({PATH: b"old"}), MemoryDrafts()
    document = await opened(files, drafts)
    document.change("mine")
    files.failure = NotConnected("The connection is away.")

    assert not await document.save()
    assert (document.text, drafts.drafts[PATH].text) == ("mine", "mine")
