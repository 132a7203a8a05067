from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from tests.demo.conftest import start_workspace, stop

if TYPE_CHECKING:
    from tests.demo.conftest import Workspace


async def run(workspace: Workspace, command: str, login: str = "alice") -> str:
    async with workspace.connect(login) as connection:
        done = await connection.run(command)
        return str(done.stdout)


def processes_with(marker: str) -> list[int]:
    """Ids of the processes, in any sandbox, whose command line holds ``marker``."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and marker.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


async def test_a_new_login_finds_the_examples_in_its_home(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection, connection.start_sftp_client() as sftp:
        names = await sftp.listdir(".")

    assert {"README.md", "dimuon_mass.py", "data"} <= set(names)


async def test_the_examples_run_with_plain_python(workspace: Workspace) -> None:
    printed = await run(workspace, "cd ~ && python dimuon_mass.py && ls *.png")

    assert "wrote dimuon_mass.png" in printed
    assert printed.endswith("dimuon_mass.png\n")


async def test_streams_are_binary_and_exit_status_arrives(workspace: Workspace) -> None:
    every_byte = bytes(range(256)) * 4000
    async with workspace.connect("alice") as connection:
        done = await connection.run("cat; echo oops >&2; exit 3", input=every_byte, encoding=None)

    assert done.stdout == every_byte
    assert done.stderr == b"oops\n"
    assert done.exit_status == 3


async def test_the_signal_that_ended_a_command_is_told(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection:
        done = await connection.run("kill -KILL $$")

    assert done.exit_signal is not None
    assert done.exit_signal[0] == "KILL"


async def test_a_signal_reaches_the_whole_process_group(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection:
        process = await connection.create_process("echo ready; sleep 600 | cat")
        assert await process.stdout.readline() == "ready\n"
        process.send_signal("TERM")
        done = await process.wait()

    assert done.exit_signal is not None
    assert done.exit_signal[0] == "TERM"


async def test_a_reader_that_waits_holds_the_command_back(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection:
        process = await connection.create_process("yes", encoding=None, window=128 * 1024)
        await process.stdout.readexactly(1000)
        resident = _resident_bytes(workspace.process.pid)
        done = await connection.run("sleep 1")
        grown = _resident_bytes(workspace.process.pid) - resident
        process.close()

    assert done.exit_status == 0
    assert grown < 8 * 1024**2


def _resident_bytes(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


async def test_a_terminal_has_the_size_the_client_says(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection:
        process = await connection.create_process(
            "stty size; read line; stty size", term_type="xterm", term_size=(100, 30)
        )
        first = await process.stdout.readline()
        process.change_terminal_size(120, 40)
        process.stdin.write("\n")
        rest = await process.stdout.read()

    assert first == "30 100\r\n"
    assert "40 120" in rest


async def test_what_a_command_left_running_lives_on_between_connections(
    workspace: Workspace,
) -> None:
    await run(workspace, "setsid sleep 4321 >/dev/null 2>&1 </dev/null & echo")

    assert "sleep 4321" in await run(workspace, "pgrep -af 'sleep 432[1]'")

    await run(workspace, "pkill -f 'sleep 432[1]'")


async def test_sftp_keeps_what_saving_needs(workspace: Workspace) -> None:
    async with workspace.connect("alice") as connection, connection.start_sftp_client() as sftp:
        await sftp.makedirs("saved", exist_ok=True)
        async with sftp.open("saved/new", "wb") as file:
            await file.write(b"x" * 300_000)
            await file.fsync()
        await sftp.posix_rename("saved/new", "saved/old")
        await sftp.posix_rename("saved/old", "saved/old2")
        await sftp.link("saved/old2", "saved/twin")
        space = await sftp.statvfs("saved")
        size = await sftp.getsize("saved/twin")
        await sftp.rmtree("saved")

    assert size == 300_000
    assert space.bavail > 0


@pytest.mark.parametrize(
    "path",
    ["/", "..", "/etc/passwd", "../../../etc/passwd", "way_out", "way_out/passwd", "data/../.."],
)
async def test_sftp_refuses_every_way_out_of_the_home(workspace: Workspace, path: str) -> None:
    await run(workspace, "ln -sfn /etc ~/way_out")
    async with workspace.connect("alice") as connection, connection.start_sftp_client() as sftp:
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.stat(path)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.listdir(path)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.open(path, "rb")


async def test_one_login_cannot_reach_the_home_of_another_by_sftp(workspace: Workspace) -> None:
    await run(workspace, "echo secret > ~/private", login="bob")
    bobs = (await run(workspace, "echo ~/private", login="bob")).strip()
    await run(workspace, f"ln -sfn {bobs} ~/stolen")
    async with workspace.connect("alice") as connection, connection.start_sftp_client() as sftp:
        for path in (bobs, "../bob/private", "stolen"):
            with pytest.raises((asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile)):
                await sftp.open(path, "rb")


async def test_a_sandboxed_command_sees_one_home_and_nothing_of_the_portal(
    workspace: Workspace,
) -> None:
    if not workspace.sandboxed:
        pytest.skip("without bubblewrap there is no wall, and the demo says so")
    await run(workspace, "true", login="bob")

    homes = await run(workspace, "ls /home")
    others = await run(workspace, f"ls {workspace.data.root} 2>&1; cat /etc/shadow 2>&1")
    processes = await run(workspace, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    interfaces = await run(workspace, "cut -d: -f1 -s /proc/net/dev | tr -d ' '")
    writable = await run(workspace, "touch /usr/x /etc/x 2>&1; echo $?")

    assert homes == "alice\n"
    assert others.count("No such file") == 2
    assert "ssh_server" not in processes
    assert interfaces == "lo\n"
    assert writable.endswith("1\n")


async def test_a_sandbox_that_was_killed_from_within_comes_back(workspace: Workspace) -> None:
    if not workspace.sandboxed:
        pytest.skip("without bubblewrap the spawner is found by its own login only")
    with contextlib.suppress(asyncssh.Error):
        await run(workspace, "pkill -KILL -f spawner.py", login="carol")

    deadline = time.monotonic() + 10
    answer = ""
    while answer != "back\n" and time.monotonic() < deadline:
        answer = await run(workspace, "echo back", login="carol")

    assert answer == "back\n"


@pytest.mark.parametrize("login", ["../bob", "Alice", "", ".", "a/b", "x" * 40, "root;id"])
async def test_a_name_that_no_home_may_have_is_refused(workspace: Workspace, login: str) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with asyncio.timeout(10), workspace.connect(login):
            pass


async def test_another_key_is_refused(workspace: Workspace) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            "127.0.0.1",
            workspace.port,
            username="alice",
            client_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            known_hosts=([asyncssh.read_public_key(f"{workspace.data.host_key}.pub")], [], []),
            config=None,
        )


def test_keys_and_homes_are_for_their_owner_only(workspace: Workspace) -> None:
    private = [workspace.data.host_key, workspace.data.client_key]
    folders = [workspace.data.root, workspace.data.root / "homes", workspace.data.root / "ssh"]

    assert all(path.stat().st_mode & 0o077 == 0 for path in private + folders)


@pytest.mark.parametrize("bubblewrap", [True, False])
async def test_stopping_the_server_ends_every_descendant(tmp_path: Path, bubblewrap: bool) -> None:  # noqa: FBT001
    workspace = start_workspace(tmp_path, bubblewrap=bubblewrap)
    await run(workspace, "setsid setsid sleep 4322.5 >/dev/null 2>&1 </dev/null & echo")
    before = processes_with(str(tmp_path))

    stop(workspace)

    assert before
    assert processes_with(str(tmp_path)) == []
    assert processes_with("4322.5") == []


@pytest.mark.parametrize("bubblewrap", [True, False])
async def test_killing_the_server_ends_every_descendant(tmp_path: Path, bubblewrap: bool) -> None:  # noqa: FBT001
    workspace = start_workspace(tmp_path, bubblewrap=bubblewrap)
    await run(workspace, "setsid setsid sleep 4323.5 >/dev/null 2>&1 </dev/null & echo")

    workspace.process.kill()
    workspace.process.communicate()

    deadline = time.monotonic() + 10
    while processes_with("4323.5") + processes_with(str(tmp_path)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
