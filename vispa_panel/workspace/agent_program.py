"""The agent as one file, and how it gets to the host and starts there.

The package ``vispa_panel.agent`` is packed into a zip archive that Python runs as it is. Its name
carries its hash, so that a host keeps one copy of each version and never a half-written one.
"""

from __future__ import annotations

import hashlib
import io
import shlex
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vispa_panel.errors import AgentUnavailable
from vispa_panel.workspace.agent_client import AgentClient

if TYPE_CHECKING:
    import asyncssh

_MAIN = "from vispa_agent.__main__ import main\nmain()\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)

# One line of sh, so that any login shell that can start sh will do. Exit code 77: no usable
# Python; 78: the program is not there yet and must be sent.
_FIND = """
for p in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
  if "$p" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then break; fi; p=
done
[ -n "$p" ] || exit 77
d="${XDG_CACHE_HOME:-$HOME/.cache}/vispa"; f="$d/agent-%s.pyz"
"""
_START = _FIND + '[ -f "$f" ] || exit 78\nexec "$p" -I "$f" connect'
_INSTALL = (
    _FIND
    + """
umask 077; mkdir -p "$d" && chmod 700 "$d" && t=$(mktemp "$d/.agent-XXXXXX") || exit 79
cat > "$t" && mv -f "$t" "$f" && find "$d" -name 'agent-*.pyz' ! -name "agent-%s.pyz" \
-mtime +30 -delete
"""
)


@cache
def program() -> tuple[str, bytes]:
    """The agent's hash (16 hex digits) and its bytes; the same for the same source."""
    buffer = io.BytesIO()
    folder = Path(__file__).resolve().parent.parent / "agent"
    sources = {f"vispa_agent/{path.name}": path.read_bytes() for path in folder.glob("*.py")}
    sources["__main__.py"] = _MAIN.encode()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(sources):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), sources[name])
    data = buffer.getvalue()
    return hashlib.sha256(data).hexdigest()[:16], data


def start_command() -> str:
    """The command line that starts the agent on a host that has it."""
    return "sh -c " + shlex.quote(_START % program()[0])


async def install_and_start(connection: asyncssh.SSHClientConnection) -> AgentClient:
    """Start the agent over a connection, sending it first where it is missing.

    Raises AgentUnavailable, with a sentence, where it cannot run.
    """
    name, data = program()
    for attempt in range(2):
        process = await connection.create_process(
            start_command(), encoding=None, window=1 << 21, max_pktsize=1 << 15
        )
        client = await AgentClient.start(process.stdout, process.stdin)
        if client is not None:
            return client
        await process.wait_closed()
        if attempt == 0 and process.exit_status == _MISSING:
            command = "sh -c " + shlex.quote(_INSTALL % (name, name))
            done = await connection.run(command, input=data, encoding=None)
            if done.exit_status == 0:
                continue
        raise AgentUnavailable(_REASONS.get(process.exit_status or 0, _OTHER))
    raise AgentUnavailable(_OTHER)


_MISSING = 78
_OTHER = "The helper program does not start on this host; files and a plain terminal still work."
_REASONS = {
    77: "This host has no Python 3.8 or newer; files and a plain terminal still work.",
    78: "The helper program cannot be written to this host; is your disk or quota full?",
    79: "The helper program cannot be written to this host; is your disk or quota full?",
}
