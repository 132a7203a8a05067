"""Looking into folders: lists, searches, pictures, sizes, archives; in threads, cancellable."""

import asyncio
import fnmatch
import functools
import hashlib
import os
import stat
import threading
import zipfile

from .protocol import Refused

BATCH = 2000
"""Entries in one frame of a listing."""

MOST_WALKED = 20000
DEEPEST = 4
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg")
PIECE = 1 << 18


def _row(entry_name, status_of):
    """[name, kind, size, modified, mode, is_link] of one name, as it stands behind links."""
    own = status_of(False)
    is_link = stat.S_ISLNK(own.st_mode)
    seen, kind = own, "link"
    if is_link:
        try:
            seen = status_of(True)
        except OSError:
            seen = own
    if stat.S_ISDIR(seen.st_mode):
        kind = "folder"
    elif stat.S_ISREG(seen.st_mode):
        kind = "file"
    elif not stat.S_ISLNK(seen.st_mode):
        kind = "other"
    return [entry_name, kind, seen.st_size, seen.st_mtime, stat.S_IMODE(seen.st_mode), is_link]


def _own_status(entry, follow):
    return entry.stat(follow_symlinks=follow)


def _rows(path, limit, stopped):
    rows = []
    with os.scandir(path) as entries:
        for entry in entries:
            if stopped.is_set():
                return
            if limit <= 0:
                yield rows, True
                return
            try:
                rows.append(_row(entry.name, functools.partial(_own_status, entry)))
            except OSError:
                continue  # it vanished while the folder was read
            limit -= 1
            if len(rows) >= BATCH:
                yield rows, False
                rows = []
    yield rows, False


async def _stream(produce, send):
    """Run a blocking generator in a thread; ``send`` each value on the loop, at its pace."""
    loop = asyncio.get_event_loop()
    stopped = threading.Event()

    def work():
        for value in produce(stopped):
            if stopped.is_set():
                return
            asyncio.run_coroutine_threadsafe(send(value), loop).result()

    future = loop.run_in_executor(None, work)
    try:
        await asyncio.shield(future)
    except asyncio.CancelledError:
        stopped.set()
        raise


async def list_folder(call, _):
    """``folder.list``: items ``{"rows": [...]}``, then ``{"truncated": bool}``."""
    path, limit = call.text("path"), call.count("limit", 100000, 1000000)
    end = {"truncated": False}

    async def send(value):
        rows, end["truncated"] = value
        await call.item({"rows": rows})

    await _stream(lambda stopped: _rows(path, limit, stopped), send)
    return end


async def status(call, _):
    """``file.stat``: ``{"row": [...]}``."""
    path = call.text("path")
    name = os.path.basename(path.rstrip("/")) or "/"
    return {"row": _row(name, lambda follow: os.stat(path, follow_symlinks=follow))}


def _digest(path, stopped):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while not stopped.is_set():
            piece = file.read(PIECE)
            if not piece:
                yield digest.hexdigest()
                return
            digest.update(piece)


async def digest(call, _):
    """``file.digest``: ``{"sha256": hex}``."""
    found = {}

    async def send(value):
        found["sha256"] = value

    path = call.text("path")
    await _stream(lambda stopped: _digest(path, stopped), send)
    return found


def _walk(folder, stopped, deepest=64, most=None):
    """Entries below a folder: breadth first, hidden folders and links to folders left out."""
    wave, seen = [folder], 0
    for _ in range(deepest + 1):
        below = []
        for place in wave:
            try:
                entries = list(os.scandir(place))
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if stopped.is_set() or (most is not None and seen > most):
                    return
                yield entry
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
        wave = below


def _search(folder, pattern, limit, stopped):
    wanted = pattern.casefold()
    if not any(letter in wanted for letter in "*?["):
        wanted = "*%s*" % wanted
    for entry in _walk(folder, stopped):
        if fnmatch.fnmatchcase(entry.name.casefold(), wanted):
            yield entry.path
            limit -= 1
            if limit <= 0:
                return


async def search(call, _):
    """``folder.search``: items ``{"path": ...}`` of names that contain or match ``pattern``."""
    folder, pattern = call.text("path"), call.text("pattern")
    limit = call.count("limit", 1000, 100000)

    async def send(path):
        await call.item({"path": path})

    await _stream(lambda stopped: _search(folder, pattern, limit, stopped), send)


def _pictures(folder, since, stopped):
    rows = []
    for entry in _walk(folder, stopped, DEEPEST, MOST_WALKED):
        if entry.name.lower().endswith(PICTURES) and entry.is_file(follow_symlinks=False):
            own = entry.stat(follow_symlinks=False)
            if own.st_mtime >= since:
                mode = stat.S_IMODE(own.st_mode)
                rows.append([entry.path, "file", own.st_size, own.st_mtime, mode, False])
    yield sorted(rows, key=lambda row: row[3])[-200:]


async def pictures(call, _):
    """``folder.pictures``: ``{"rows": [...]}`` of images written since a time, with paths."""
    folder, since = call.text("path"), call.params.get("since")
    if not isinstance(since, (int, float)):
        raise Refused("bad-request", "since must be a time")
    found = {}

    async def send(rows):
        found["rows"] = rows

    await _stream(lambda stopped: _pictures(folder, since, stopped), send)
    return found


async def usage(call, _):
    """``disk.usage``: bytes ``{"total", "free"}`` of the file system, as the user may use it."""
    found = os.statvfs(call.text("path"))
    return {"total": found.f_blocks * found.f_frsize, "free": found.f_bavail * found.f_frsize}


class _Pipe:
    """A file for ``zipfile`` that only goes forward and hands out what was written."""

    def __init__(self):
        self.pieces = []
        self.place = 0

    def write(self, data):
        self.pieces.append(bytes(data))
        self.place += len(data)
        return len(data)

    def tell(self):
        return self.place

    def flush(self):
        """Nothing waits here."""

    def take(self):
        data, self.pieces = b"".join(self.pieces), []
        return data


def _zip(folder, stopped):
    pipe = _Pipe()
    base = os.path.dirname(folder.rstrip("/"))
    # The library asks for no more than write, tell and flush when it only writes.
    with zipfile.ZipFile(
        pipe,  # pyright: ignore[reportArgumentType, reportCallIssue]
        "w",
        zipfile.ZIP_DEFLATED,
        strict_timestamps=False,
    ) as archive:
        for entry in _walk(folder, stopped):
            if not entry.is_file(follow_symlinks=False):
                continue
            name = os.path.relpath(entry.path, base).encode("utf-8", "replace").decode()
            try:
                source = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError:
                continue  # not readable, or swapped for a link meanwhile
            with os.fdopen(source, "rb") as file, archive.open(name, "w", force_zip64=True) as out:
                while not stopped.is_set():
                    piece = file.read(PIECE)
                    if not piece:
                        break
                    out.write(piece)
                    yield pipe.take()
    yield pipe.take()


async def archive(call, _):
    """``folder.zip``: the folder's readable files as bytes of a zip archive, in items."""
    folder = call.text("path")
    if not os.path.isdir(folder):
        raise Refused("not-a-folder", "not a folder", folder)

    async def send(data):
        for start in range(0, len(data), PIECE):
            await call.item({}, data[start : start + PIECE])

    await _stream(lambda stopped: _zip(folder, stopped), send)


async def home(_call, _):
    """``folder.home``: ``{"path": ...}``."""
    return {"path": os.path.expanduser("~")}


METHODS = {
    "folder.home": home,
    "folder.list": list_folder,
    "folder.search": search,
    "folder.pictures": pictures,
    "folder.zip": archive,
    "file.stat": status,
    "file.digest": digest,
    "disk.usage": usage,
}
