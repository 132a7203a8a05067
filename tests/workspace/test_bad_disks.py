"""A save or an upload that cannot end well leaves the old file whole, byte for byte."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.dummies import MemoryDrafts
from vispa_panel.errors import DiskFull, PortalError
from vispa_panel.workspace.connection import Connection
from vispa_panel.workspace.documents import OpenDocument
from vispa_panel.workspace.sftp_files import SftpFiles

from .conftest import definition_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import asyncssh

    from tests.support.openssh import OpenSshServer

pytestmark = pytest.mark.ssh

OLD = b"precious\n" * 40_000
NEW = "much newer\n" * 300_000


@pytest.fixture
def small_disk(sshd: OpenSshServer) -> Iterator[Path]:
    """A disk of 4 MiB below the home."""
    folder = sshd.folder("disk")
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size=4m,mode=0777,uid={sshd.account.uid}", "t", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True, timeout=30)


async def test_a_full_disk_keeps_the_old_file_and_the_typed_text(
    files: SftpFiles, sshd: OpenSshServer, small_disk: Path
) -> None:
    """T103: the sentence names the cause and the file, and no half file stays."""
    path = sshd.write(small_disk / "fit.py", OLD)
    sshd.write(small_disk / "filler", b"x" * (2 << 20))
    drafts = MemoryDrafts()
    document = OpenDocument(str(path), files, drafts)
    await document.load()
    document.change(NEW)

    assert not await document.save()
    assert isinstance(document.problem, DiskFull)
    assert "disk is full" in document.status
    assert "fit.py" in document.status
    assert path.read_bytes() == OLD
    assert drafts.drafts[str(path)].text == NEW
    assert {one.name for one in small_disk.iterdir()} == {"fit.py", "filler"}
    (small_disk / "filler").unlink()
    assert await document.save()
    assert path.read_text() == NEW
    await document.close()


async def test_an_upload_onto_a_full_disk_leaves_nothing(
    files: SftpFiles, small_disk: Path
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield b"x" * (1 << 20)

    with pytest.raises(DiskFull):
        await files.receive(str(small_disk / "up"), pieces())
    assert list(small_disk.iterdir()) == []


@pytest.fixture
async def cut_writes() -> AsyncIterator[None]:
    """Asyncssh writes by several tasks and looks only at the first that fails: hear no others."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    yield
    gc.collect()


class _CutAt:
    """Counts what the SFTP client sends, and drops the connection before one packet."""

    def __init__(self, connection: Connection, cut: int) -> None:
        self._connection = connection
        self._cut = cut
        self.sent = 0

    def install(self, sftp: asyncssh.SFTPClient, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = sftp._handler
        send = handler.send_packet

        def send_packet(*arguments: object, **named: object) -> None:
            number, self.sent = self.sent, self.sent + 1
            if number == self._cut:
                self._connection.ssh.abort()
            send(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(handler, "send_packet", send_packet)


async def _save_cut_at(
    sshd: OpenSshServer, path: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, bool]:
    """Save ``NEW`` over a connection that dies before packet ``cut``.

    Returns how many packets there were, and whether it was told as saved.
    """
    connection = Connection(definition_of(sshd))
    await connection.open()
    try:
        files = SftpFiles(connection)
        before = await files.read_text(str(path))
        cutter = _CutAt(connection, cut)
        cutter.install(await connection.sftp(), monkeypatch)
        try:
            await files.save_text(str(path), NEW, expected=before)
        except PortalError:
            return cutter.sent, False
        return cutter.sent, True
    finally:
        await connection.close()


@pytest.mark.usefixtures("cut_writes")
async def test_a_save_that_is_cut_at_any_packet_leaves_old_or_new(
    sshd: OpenSshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T101: never half of a file, and "saved" is only said when it is."""
    folder = sshd.folder()
    path = sshd.write(folder / "text", OLD)
    total, saved = await _save_cut_at(sshd, path, -1, monkeypatch)
    assert saved
    assert total > 20

    # Every packet at both ends of the save, and some of the many equal ones between.
    kept = {True: 0, False: 0}
    for cut in sorted({*range(12), *range(12, total - 12, 5), *range(total - 12, total)}):
        path.write_bytes(OLD)
        async with asyncio.timeout(20):
            _, saved = await _save_cut_at(sshd, path, cut, monkeypatch)
        content = path.read_bytes()
        assert content in {OLD, NEW.encode()}, cut
        assert not saved or content == NEW.encode(), cut
        kept[content == OLD] += 1
    assert kept[True] > 10


@pytest.mark.usefixtures("cut_writes")
async def test_a_server_killed_while_it_writes_leaves_the_old_file(
    fresh_sshd: OpenSshServer,
) -> None:
    path = fresh_sshd.write(fresh_sshd.folder() / "text", OLD)
    connection = Connection(definition_of(fresh_sshd))
    await connection.open()
    files = SftpFiles(connection)
    before = await files.read_text(str(path))

    save = asyncio.ensure_future(files.save_text(str(path), NEW, expected=before))
    async with asyncio.timeout(20):
        # The host tells nobody when its server begins a file.
        while len(list(path.parent.iterdir())) == 1 and not save.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
    fresh_sshd.end_connections()
    done = (await asyncio.gather(save, return_exceptions=True))[0]
    assert path.read_bytes() in {OLD, NEW.encode()}
    assert isinstance(done, PortalError) or path.read_text() == NEW
    await connection.close()
