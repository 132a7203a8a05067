from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vispa_panel.demo.command import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60
ADDRESS = re.compile(r"http://localhost:(\d+)/")


@dataclass
class Demo:
    """A demo started as a person would."""

    process: subprocess.Popen[str]
    root: Path
    text: str
    port: int

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page; redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Host": f"localhost:{self.port}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def start(root: Path, port: int) -> Demo:
    """Start the demo and read what it says until it is ready."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "vispa_panel.demo.command",
            "--data",
            str(root),
            "--port",
            str(port),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl+C" in line:
            break
    found = ADDRESS.search(said)
    assert found, said
    return Demo(process, root, said, int(found[1]))


def family(root: Path) -> list[int]:
    """Ids of the processes whose command line names the demo's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(root).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def nothing_left(root: Path, port: int) -> None:
    """Wait until no process of the demo is left and its port is free again."""
    deadline = time.monotonic() + 15
    while family(root):
        assert time.monotonic() < deadline, family(root)
        time.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A running demo; whatever the test does to it, it is gone afterwards."""
    port, reserved = free_port(20000 + os.getpid() % 20000)
    reserved.close()
    running = start(tmp_path / "data", port)
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=40)
    nothing_left(running.root, running.port)


def test_it_says_where_it_is_who_may_sign_in_and_as_whom_commands_run(demo: Demo) -> None:
    password = (demo.root / "password").read_text()

    assert len(ADDRESS.findall(demo.text)) == 1
    assert f"as demo with the password {password}" in demo.text
    assert "bubblewrap" in demo.text
    assert "Ctrl+C ends everything" in demo.text
    assert (demo.root / "password").stat().st_mode & 0o077 == 0


def test_the_sign_in_page_answers(demo: Demo) -> None:
    status, text = demo.page("/sign-in")

    assert status == 200
    assert "Try as guest" in text


def test_it_listens_on_this_machine_only(demo: Demo) -> None:
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) == demo.port:
                listening.append(address)

    assert listening == ["0100007F"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_and_that_is_no_failure(demo: Demo, number: int) -> None:
    assert len(family(demo.root)) >= 3

    demo.process.send_signal(number)

    assert demo.process.wait(30) == 0
    nothing_left(demo.root, demo.port)


def test_killing_the_command_leaves_nothing(demo: Demo) -> None:
    demo.process.kill()
    demo.process.wait(10)

    nothing_left(demo.root, demo.port)


def test_a_second_demo_takes_the_next_port_and_says_so(demo: Demo, tmp_path: Path) -> None:
    second = start(tmp_path / "other", demo.port)
    try:
        assert second.port > demo.port
        assert f"Port {demo.port} is taken; using {second.port}." in second.text
    finally:
        second.process.send_signal(signal.SIGINT)
        second.process.communicate(timeout=40)


def test_two_that_start_in_the_same_moment_choose_different_ports() -> None:
    first, reserved = free_port(41000 + os.getpid() % 10000)
    second, also_reserved = free_port(first)
    reserved.close()
    again, once_more = free_port(first)
    also_reserved.close()
    once_more.close()

    assert second > first
    assert again == first


def test_a_second_start_finds_the_same_home_password_and_keys(demo: Demo) -> None:
    home = demo.root / "homes" / "demo"
    home.mkdir(parents=True, exist_ok=True)
    (home / "mine.txt").write_text("kept")
    keys = {path.name: path.read_bytes() for path in (demo.root / "ssh").iterdir()}
    password = (demo.root / "password").read_text()
    demo.process.send_signal(signal.SIGINT)
    demo.process.wait(30)

    again = start(demo.root, demo.port)
    try:
        assert (home / "mine.txt").read_text() == "kept"
        assert {path.name: path.read_bytes() for path in (demo.root / "ssh").iterdir()} == keys
        assert password in again.text
    finally:
        again.process.send_signal(signal.SIGINT)
        again.process.communicate(timeout=40)
