"""``connect``: speak frames on standard input and output until the input ends."""

import asyncio
import contextlib
import os
import sys

from .folders import METHODS
from .jobs import METHODS as FOLLOWING
from .keeper import connect
from .peer import READ, Peer
from .protocol import MARKER, VERSION, FrameParser, Refused, encode


async def _streams():
    loop = asyncio.get_event_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout.buffer
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


async def _speak(kept):
    reader, writer = await _streams()
    keeper_reader, keeper_writer = await asyncio.open_unix_connection(sock=kept)

    async def pass_on(header, payload):
        keeper_writer.write(encode(header, payload))
        await keeper_writer.drain()

    async def pass_back():
        # Whole reads go on as they are, but only at the end of a frame may another one begin:
        # the keeper's frames are relayed frame by frame for that reason.
        parser = FrameParser()
        while True:
            data = await keeper_reader.read(READ)
            if not data:
                writer.close()
                return
            for header, payload in parser.feed(data):
                header.pop("bytes", None)
                writer.write(encode(header, payload))
            await writer.drain()

    back = asyncio.ensure_future(pass_back())
    writer.write(MARKER + b"%d\n" % VERSION)
    try:
        await Peer(reader, writer, {**METHODS, **FOLLOWING}, other=pass_on).serve()
    finally:
        back.cancel()
        keeper_writer.close()


def main():
    """The command line; exit code 3 when the keeper cannot be reached."""
    if sys.argv[1:] != ["connect"]:
        sys.exit("usage: agent connect")
    sys.setswitchinterval(0.001)
    try:
        kept = connect()
    except (OSError, Refused) as error:
        sys.stderr.write("agent: %s\n" % error)
        sys.exit(3)
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_speak(kept))
    # Threads may still read a slow folder; nobody waits for them any more.
    os._exit(0)


if __name__ == "__main__":
    main()
