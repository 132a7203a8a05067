"""Runs: each a folder with its command, its log, and how it ended."""

import asyncio
import contextlib
import json
import os
import pwd
import re
import secrets
import shutil
import subprocess
import termios
import time

from . import processes
from .place import runs_folder
from .protocol import MOST_BYTES, Refused

READ = 1 << 16
MOST_LOG = 1 << 30
"""Bytes of output that are kept of one run."""

CUT_NOTE = b"\n[more than 1 GiB of output: the rest is not kept]\n"
PACE = 0.03
"""Seconds between two messages about one run's growing output."""

PATIENCE = 2.0
"""Seconds between SIGINT, SIGTERM and SIGKILL."""

MOST_LISTED = 200
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")


def _write_json(path, value):
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(value))
    os.replace(str(temporary), str(path))


class Run:
    """A run that goes on under this keeper."""

    def __init__(self, command, folder, document):
        started = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(started))
        self.id = "%s-%s" % (stamp, secrets.token_hex(4))
        self.place = runs_folder() / self.id
        self.place.mkdir(mode=0o700)
        self.size = 0
        self.stopped = False
        self.ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._exit = None
        self._log = open(str(self.place / "output"), "ab", buffering=0)  # noqa: SIM115
        self.pid, self._fd = _start(command, folder)
        record = {
            "id": self.id,
            "command": command,
            "folder": folder,
            "document": document,
            "started": started,
        }
        _write_json(self.place / "run.json", record)
        self._loop = asyncio.get_event_loop()
        self._loop.add_reader(self._fd, self._readable)

    def _readable(self):
        try:
            data = os.read(self._fd, READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_output()
            return
        if self.size < MOST_LOG:
            if self.size + len(data) > MOST_LOG:
                data = data[: MOST_LOG - self.size] + CUT_NOTE
            with contextlib.suppress(OSError):  # a full disk ends the log, not the run
                self.size += self._log.write(data)
        self._news()

    def _news(self):
        self._changed.set()
        self._changed = asyncio.Event()

    def _close_output(self):
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        self._settle()

    def reaped(self, code):
        """The command itself has ended: take what it printed last and write down the end."""
        self._exit = code
        # A process left behind may hold the output open and print on; what is there now counts.
        for _ in range(64):
            if self._fd < 0:
                break
            before = self.size
            self._readable()
            if self.size == before:
                break
        self._close_output()

    def _settle(self):
        if self._exit is None or self.ended.is_set():
            return
        self._log.close()
        end = {"exit_code": self._exit, "ended": time.time(), "stopped": self.stopped}
        with contextlib.suppress(OSError):
            _write_json(self.place / "end.json", end)
        self.ended.set()
        self._news()

    async def stop(self):
        """SIGINT, SIGTERM, SIGKILL to everything in its session, with patience between."""
        self.stopped = True
        for number in (processes.INTERRUPT, processes.TERMINATE, processes.KILL):
            if not processes.signal_session(self.pid, number):
                break
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until and processes.session_members(self.pid):
                await asyncio.sleep(0.02)
        await asyncio.wait_for(self.ended.wait(), PATIENCE)

    async def change(self):
        """Wait for news."""
        await self._changed.wait()


def _start(command, folder):
    account = pwd.getpwuid(os.geteuid())
    shell = os.environ.get("SHELL") or account.pw_shell or "/bin/sh"
    if os.path.basename(shell) not in ("sh", "bash", "dash", "zsh", "ksh"):
        shell = "/bin/sh"  # fish and csh read a command line in their own way
    environment = dict(os.environ, TERM="dumb", PAGER="cat", GIT_PAGER="cat", PYTHONUNBUFFERED="1")
    environment.setdefault("MPLBACKEND", "Agg")
    # A terminal as output makes every program print line by line, not in blocks of 4 kB.
    own, child = os.openpty()
    try:
        settings = termios.tcgetattr(child)
        settings[1] &= ~termios.OPOST
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(child, termios.TCSANOW, settings)
        process = subprocess.Popen(
            [shell, "-lc", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
    except OSError as error:
        os.close(own)
        raise Refused("failed", error.strerror or "cannot start", folder) from error
    finally:
        os.close(child)
    process.returncode = 0  # the keeper reaps its children itself
    os.set_blocking(own, False)
    return process.pid, own


class Runs:
    """All runs of the user: those that go on here, and the folders of those that ended."""

    def __init__(self):
        self._going = {}

    @property
    def busy(self):
        """Whether a run goes on."""
        return bool(self._going)

    def reaped(self, pid, code):
        """A child has ended."""
        for run in list(self._going.values()):
            if run.pid == pid:
                run.reaped(code)
                del self._going[run.id]

    def _place(self, call):
        name = call.text("run")
        place = runs_folder() / name
        if not _ID.fullmatch(name) or not (place / "run.json").is_file():
            raise Refused("missing", "this run is not known any more")
        return place

    def _info(self, place):
        info = json.loads((place / "run.json").read_text())
        info["output_size"] = _size(place / "output")
        end = place / "end.json"
        if info["id"] in self._going:
            info["state"] = "running"
        elif end.is_file():
            told = json.loads(end.read_text())
            info.update(exit_code=told["exit_code"], ended=told["ended"])
            info["state"] = "stopped" if told["stopped"] else "finished"
        else:
            info["state"] = "lost"
        return info

    async def start(self, call, _):
        """``run.start``: the new run's info."""
        command, folder = call.text("command"), call.text("folder")
        if not command.strip() or "\0" in command:
            raise Refused("bad-request", "there is no command to run")
        if not os.path.isdir(folder):
            raise Refused("missing", "the folder is not there", folder)
        run = Run(command, folder, call.text("document", ""))
        self._going[run.id] = run
        return self._info(run.place)

    async def stop(self, call, _):
        """``run.stop``: returns when it has ended."""
        run = self._going.get(self._place(call).name)
        if run is not None:
            # Whoever asked may go away: the signals follow one another all the same.
            await asyncio.shield(asyncio.ensure_future(run.stop()))

    async def get(self, call, _):
        """``run.get``: its info."""
        return self._info(self._place(call))

    async def list(self, call, _):
        """``run.list``: ``{"runs": [...]}``, newest first, of one document where given."""
        document, found = call.params.get("document"), []
        for name in sorted(os.listdir(str(runs_folder())), reverse=True):
            if len(found) >= MOST_LISTED:
                break
            place = runs_folder() / name
            with contextlib.suppress(OSError, ValueError, KeyError):
                if _ID.fullmatch(name):
                    info = self._info(place)
                    if document in (None, info["document"]):
                        found.append(info)
        return {"runs": found}

    async def output(self, call, _):
        """``run.output``: one item with a piece of the log."""
        place = self._place(call)
        limit = call.count("limit", READ, MOST_BYTES)
        with open(str(place / "output"), "rb") as log:
            log.seek(call.count("offset", 0, 1 << 62))
            data = log.read(limit)
        await call.item({}, data)

    async def follow(self, call, _):
        """``run.follow``: its info now and after each change, until it has ended."""
        place = self._place(call)
        while True:
            run = self._going.get(place.name)
            changed = asyncio.ensure_future(run.change()) if run else None
            info = self._info(place)
            await call.item(info)
            if run is None or changed is None or info["state"] != "running":
                return
            try:
                await changed
            finally:
                changed.cancel()
            if not run.ended.is_set():
                await asyncio.sleep(PACE)

    async def forget(self, call, _):
        """``run.forget``: remove the folder of an ended run."""
        place = self._place(call)
        if place.name in self._going:
            raise Refused("bad-request", "this run goes on; stop it first")
        shutil.rmtree(str(place))

    def methods(self):
        """What this room answers."""
        return {
            "run.start": self.start,
            "run.stop": self.stop,
            "run.get": self.get,
            "run.list": self.list,
            "run.output": self.output,
            "run.follow": self.follow,
            "run.forget": self.forget,
        }


def _size(path):
    try:
        return path.stat().st_size
    except OSError:
        return 0
