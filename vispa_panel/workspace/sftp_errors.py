"""What SFTP says went wrong, as the portal's own errors."""

from __future__ import annotations

import posixpath
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncssh

from vispa_panel.errors import (
    AccessDenied,
    FileError,
    FileExists,
    FileMissing,
    NotConnected,
    PortalError,
)
from vispa_panel.workspace.file_names import display_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def in_words(error: Exception, path: str) -> PortalError:
    """One error of the SFTP channel as a sentence."""
    name = display_name(posixpath.basename(path.rstrip("/")) or path)
    match error:
        case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath():
            return FileMissing(f"{name} is not there (any more).", path=path)
        case asyncssh.SFTPPermissionDenied() | asyncssh.SFTPWriteProtect():
            return AccessDenied(
                f"Your account on the host may not do this with {name}.",
                path=path,
                next_step="Ask its owner for access, or work on a copy.",
            )
        case asyncssh.SFTPFileAlreadyExists():
            return FileExists(f"{name} is there already.", path=path)
        case asyncssh.SFTPConnectionLost() | asyncssh.SFTPNoConnection():
            return NotConnected("The connection to the workspace was lost.")
        case asyncssh.SFTPError():
            return FileError(f"The host could not do this with {name}: {error.reason}.", path=path)
        case _:
            return NotConnected("The connection to the workspace was lost.")


@contextmanager
def told(path: str) -> Iterator[None]:
    """Translate what goes wrong inside into a PortalError about ``path``."""
    try:
        yield
    except (asyncssh.Error, OSError) as error:
        raise in_words(error, path) from error
