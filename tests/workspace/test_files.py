"""Files over a real SSH server: nothing is lost, nothing is replaced unasked, every name works."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from vispa_panel.errors import (
    AccessDenied,
    FileConflict,
    FileExists,
    FileMissing,
    NotAFolder,
    NotText,
)
from vispa_panel.workspace.files import EntryKind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.openssh import OpenSshServer
    from vispa_panel.workspace.sftp_files import SftpFiles

pytestmark = pytest.mark.ssh

NASTY = [
    b"two words",
    b'quote\'s "both"',
    b";$(reboot)",
    b"line\nbreak",
    b"<img src=x onerror=alert(1)>",
    b"-rf",
    b"caf\xe9 not utf-8",
    "ünï 😀".encode(),
    b"%file",
    b"\x1b[31mred",
]


@pytest.fixture
def folder(sshd: OpenSshServer) -> Path:
    return sshd.folder()


async def test_the_base_folder_is_the_home(files: SftpFiles, sshd: OpenSshServer) -> None:
    assert await files.home() == str(sshd.home)


async def test_every_name_is_listed_read_saved_and_deleted(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    for name in NASTY:
        sshd.write(folder / os.fsdecode(name), b"before")

    listing = await files.list_folder(str(folder))
    assert {os.fsencode(entry.name) for entry in listing.entries} == set(NASTY)
    for entry in listing.entries:
        text = await files.read_text(entry.path)
        await files.save_text(entry.path, "after", expected=text)
    assert {path.read_bytes() for path in folder.iterdir()} == {b"after"}
    for entry in listing.entries:
        await files.delete(entry.path)
    assert list(folder.iterdir()) == []


async def test_folders_come_first_and_links_are_seen_through(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    sshd.write(folder / "a.txt", b"text")
    sshd.account.own(folder / "a.txt")
    (folder / "z").mkdir()
    (folder / "to_folder").symlink_to(folder / "z")
    (folder / "dangling").symlink_to(folder / "nowhere")

    entries = (await files.list_folder(str(folder))).entries
    assert [(one.name, one.kind, one.is_link) for one in entries] == [
        ("to_folder", EntryKind.FOLDER, True),
        ("z", EntryKind.FOLDER, False),
        ("a.txt", EntryKind.FILE, False),
        ("dangling", EntryKind.LINK, True),
    ]


async def test_a_folder_without_permission_is_a_sentence(files: SftpFiles, folder: Path) -> None:
    folder.chmod(0o000)

    with pytest.raises(AccessDenied):
        await files.list_folder(str(folder))
    folder.chmod(0o700)


async def test_what_is_missing_or_no_folder_is_a_sentence(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    path = sshd.write(folder / "file", b"")

    with pytest.raises(FileMissing):
        await files.list_folder(str(folder / "nowhere"))
    with pytest.raises(NotAFolder):
        await files.list_folder(str(path))
    with pytest.raises(FileMissing):
        await files.read_text(str(folder / "nowhere"))


@pytest.mark.parametrize(
    ("content", "encoding", "newline"),
    [
        (b"plain\n", "utf-8", "\n"),
        ("mit Umläuten\n".encode(), "utf-8", "\n"),
        (b"\xef\xbb\xbfwith mark\n", "utf-8-sig", "\n"),
        (b"dos\r\nlines\r\n", "utf-8", "\r\n"),
        ("latin: Größe\n".encode("latin-1"), "latin-1", "\n"),
        (b"mixed\r\nends\n", "utf-8", "\n"),
        (b"", "utf-8", "\n"),
    ],
)
async def test_saving_an_unchanged_text_changes_no_byte(  # noqa: PLR0917 - one per column
    files: SftpFiles,
    sshd: OpenSshServer,
    folder: Path,
    content: bytes,
    encoding: str,
    newline: str,
) -> None:
    path = sshd.write(folder / "text", content, mode=0o640)
    text = await files.read_text(str(path))

    await files.save_text(str(path), text.text, expected=text)
    assert (text.encoding, text.newline) == (encoding, newline)
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o640


async def test_binary_content_is_refused(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    path = sshd.write(folder / "data.root", b"root\0\x01\x02")

    with pytest.raises(NotText):
        await files.read_text(str(path))


async def test_of_a_huge_file_only_its_head_is_read(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    path = sshd.write(folder / "log", b"line of a log\n" * 10)
    os.truncate(path, 200 << 20)
    with path.open("r+b") as file:
        file.write(b"x" * (2 << 20))

    text = await files.read_text(str(path), limit=1 << 20)
    assert text.truncated
    assert (len(text.text), text.size, text.digest) == (1 << 20, 200 << 20, "")


async def test_saving_through_a_link_keeps_the_link(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    target = sshd.write(folder / "target", b"old")
    link = folder / "link"
    link.symlink_to(target)
    text = await files.read_text(str(link))

    await files.save_text(str(link), "new", expected=text)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("same_length", [True, False])
async def test_a_change_by_somebody_else_is_a_conflict_even_in_the_same_second(
    files: SftpFiles, sshd: OpenSshServer, folder: Path, *, same_length: bool
) -> None:
    path = sshd.write(folder / "shared", b"first")
    text = await files.read_text(str(path))
    before = path.stat()
    path.write_bytes(b"other" if same_length else b"much longer")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(FileConflict):
        await files.save_text(str(path), "mine", expected=text)
    assert path.read_bytes() != b"mine"
    await files.save_text(str(path), "mine", expected=text, overwrite=True)
    assert path.read_bytes() == b"mine"


async def test_a_new_file_never_replaces_one(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    path = sshd.write(folder / "there", b"precious")

    with pytest.raises(FileExists):
        await files.save_text(str(path), "new", expected=None)
    assert path.read_bytes() == b"precious"
    assert [one.name for one in folder.iterdir()] == ["there"]


async def test_a_read_only_file_is_refused_and_stays(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    path = sshd.write(folder / "fixed", b"fixed", mode=0o444)
    text = await files.read_text(str(path))

    assert not text.writable
    with pytest.raises(AccessDenied):
        await files.save_text(str(path), "mine", expected=text)
    assert path.read_bytes() == b"fixed"


async def test_an_upload_appears_whole_under_a_free_name(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield os.urandom(100_000)

    assert await files.receive(str(folder / "up"), pieces()) == 2_000_000
    assert (folder / "up").stat().st_size == 2_000_000
    with pytest.raises(FileExists):
        await files.receive(str(folder / "up"), pieces())
    assert [one.name for one in folder.iterdir()] == ["up"]


async def test_a_cancelled_upload_leaves_nothing(files: SftpFiles, folder: Path) -> None:
    begun = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.ensure_future(files.receive(str(folder / "up"), pieces()))
    async with asyncio.timeout(10):
        await begun.wait()
    upload.cancel()
    await asyncio.gather(upload, return_exceptions=True)
    assert list(folder.iterdir()) == []


async def test_a_download_is_the_same_bytes(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    content = os.urandom(3_000_000)
    path = sshd.write(folder / "data", content)

    assert b"".join([piece async for piece in files.stream(str(path))]) == content


async def test_renaming_never_replaces(files: SftpFiles, sshd: OpenSshServer, folder: Path) -> None:
    one, other = sshd.write(folder / "one", b"1"), sshd.write(folder / "other", b"2")

    with pytest.raises(FileExists):
        await files.rename(str(one), str(other))
    await files.rename(str(one), str(folder / "third"))
    assert (other.read_bytes(), (folder / "third").read_bytes()) == (b"2", b"1")


async def test_deleting_a_folder_does_not_follow_links_out_of_it(
    files: SftpFiles, sshd: OpenSshServer, folder: Path
) -> None:
    kept = sshd.write(folder / "kept", b"kept")
    await files.make_folder(str(folder / "gone"))
    await files.make_folder(str(folder / "gone" / "deep"))
    os.symlink(folder, folder / "gone" / "deep" / "up")  # noqa: PTH211

    await files.delete(str(folder / "gone"))
    assert [one.name for one in folder.iterdir()] == ["kept"]
    assert kept.read_bytes() == b"kept"
