"""Which keys a host may show; a host that nobody vouches for is never trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from vispa_panel.errors import HostKeyChanged, HostKeyUnknown, SettingsError

if TYPE_CHECKING:
    from vispa_panel.workspace.definition import WorkspaceDefinition

COMPARE = "Compare the fingerprint with the one its operator publishes, then accept it."
"""What to do about the key of a machine of one's own; for the others the operator answers."""

KnownHosts = tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]


def trusted_keys(definition: WorkspaceDefinition) -> KnownHosts:
    """(host keys, authorities, revoked keys) for a workspace; raises SettingsError.

    Empty lists trust nobody. Reads the known_hosts file: call it off the event loop.
    """
    try:
        keys = [asyncssh.import_public_key(line) for line in definition.host_keys]
        if definition.known_hosts is None:
            return keys, [], []
        known = asyncssh.read_known_hosts(str(definition.known_hosts))
        found = known.match(definition.host, "", definition.port)
    except (OSError, ValueError, asyncssh.KeyImportError) as error:
        message = f"The host keys of {definition.name} cannot be read: {error}"
        raise SettingsError(message) from error
    return keys + list(found[0]), list(found[1]), list(found[2])


async def refusal(
    definition: WorkspaceDefinition, trusted: KnownHosts
) -> HostKeyUnknown | HostKeyChanged:
    """Why a host's key was not accepted, with the fingerprint it shows."""
    try:
        key = await asyncssh.get_server_host_key(
            definition.host, definition.port, config=None, server_host_key_algs="default"
        )
    except (OSError, asyncssh.Error):
        key = None
    fingerprint = key.get_fingerprint() if key is not None else ""
    if trusted[0] or trusted[1]:
        message = f"{definition.name} shows another key than before ({fingerprint})."
        return HostKeyChanged(message)
    return HostKeyUnknown(
        f"Nobody has confirmed the key of {definition.name} yet ({fingerprint}).",
        fingerprint=fingerprint,
        public_key=key.export_public_key().decode().strip() if key is not None else "",
        next_step=COMPARE if definition.is_own and key is not None else "",
    )
