"""Bring a port of the pool's private network to a port of this machine's loopback.

usage: relay.py NAMESPACE HOST PORT [LOCAL_PORT]

The listening socket is made here and handed to the same program inside the network namespace: a
socket stays where it was made, what is opened later is inside. Prints the local port when it
listens.
"""

import asyncio
import contextlib
import os
import socket
import sys

PIECE = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    writer.close()


def _at_once(writer: asyncio.StreamWriter) -> None:
    """Small packets are not gathered: a key typed must not wait."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _serve(listening: socket.socket, host: str, port: int) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        _at_once(writer)
        _at_once(far_writer)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    server = await asyncio.start_server(relay, sock=listening)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """The command line, outside and then inside the namespace."""
    if sys.argv[1] == "--inside":
        descriptor, host, port = sys.argv[2:5]
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(socket.socket(fileno=int(descriptor)), host, int(port)))
        return
    namespace, host, port, *local = sys.argv[1:]
    listening = socket.create_server(("127.0.0.1", int(local[0]) if local else 0))
    listening.set_inheritable(True)
    inside = [sys.executable, __file__, "--inside", str(listening.fileno()), host, port]
    os.execvp("nsenter", ["nsenter", f"--net=/run/netns/{namespace}", *inside])  # noqa: S606, S607 - it becomes that program


if __name__ == "__main__":
    main()
