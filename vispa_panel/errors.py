"""Every error that the portal shows to a person, in one tree.

::

    PortalError
    ├── SettingsError            the operator's settings do not make sense
    ├── IdentityError
    │   ├── SignInRefused        wrong user name or password, or a disabled account
    │   ├── TooManyAttempts      wait before the next try
    │   └── NotAllowed           signed in, but without the right
    ├── ConnectionFailed         the workspace cannot be reached
    │   ├── HostUnreachable      no route, refused, timed out, unknown name
    │   ├── HostKeyUnknown       nobody has said which key this host has
    │   ├── HostKeyChanged       the host shows another key than the pinned one
    │   └── LoginRefused         the host does not accept the key or password
    ├── NotConnected             the connection is down just now
    ├── AgentError               the agent on the host refused or failed
    │   └── AgentUnavailable     the host has no usable Python: only SFTP and a plain terminal
    ├── FileError
    │   ├── FileMissing
    │   ├── AccessDenied
    │   ├── FileExists           the name is taken
    │   ├── NotAFolder
    │   ├── DiskFull             disk or quota; the old file is whole
    │   ├── FileConflict         somebody else saved in between
    │   └── NotText              binary content, or too large for the editor
    ├── RunError                 a run cannot be started, found or stopped
    ├── JobError                 something about a batch job
    │   ├── JobRefused           it cannot be described so, or the batch system says no
    │   └── QueueUnclear         the batch system gives no clear answer: nothing is known
    └── DataError                physics data cannot be shown
        ├── UnreadableData       a file or object is damaged, or of an unknown kind
        ├── ExpressionError      what was typed cannot be computed; ``place`` says where
        ├── FitFailed            there is nothing to fit, or the fit does not settle
        ├── ReaderEnded          the file needs more memory or time than a reader may take
        └── Superseded           a newer request or the person cancelled this one

A message is one sentence for the person in front of the screen; ``next_step`` says what to do.
"""

from __future__ import annotations


class PortalError(Exception):
    """Something went wrong that a person can be told about.

    ``str(error)`` is one sentence without jargon; ``next_step`` (may be empty) says what to do.
    """

    next_step: str = ""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        if next_step:
            self.next_step = next_step

    @property
    def advice(self) -> str:
        """The sentence and the next step, as one text."""
        return f"{self} {self.next_step}".strip()


class SettingsError(PortalError):
    """The operator's settings do not make sense."""


class IdentityError(PortalError):
    """Who somebody is, or what they may do."""


class SignInRefused(IdentityError):
    """Wrong user name or password, or a disabled account; which of them is not told."""


class TooManyAttempts(IdentityError):
    """Too many failed attempts; ``retry_after`` is the time to wait in seconds."""

    def __init__(self, message: str, *, retry_after: float, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after = retry_after


class NotAllowed(IdentityError):
    """Signed in, but without the right to do this."""


class ConnectionFailed(PortalError):
    """The workspace cannot be reached."""


class HostUnreachable(ConnectionFailed):
    """No route, connection refused, timed out, or the name is unknown."""

    next_step = "Check the host name and port, or try again in a few minutes."


class HostKeyUnknown(ConnectionFailed):
    """No key is pinned for this host; ``fingerprint`` is the one it shows."""

    next_step = "Ask the operator of this portal to confirm it."

    def __init__(
        self, message: str, *, fingerprint: str = "", public_key: str = "", next_step: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.fingerprint = fingerprint
        self.public_key = public_key


class HostKeyChanged(ConnectionFailed):
    """The host shows another key than the pinned one: it may be another machine."""

    next_step = "Do not sign in; ask the operator of the host whether its key was changed."


class LoginRefused(ConnectionFailed):
    """The host does not accept the login with this key or password."""

    next_step = "Check the login name and the password or key, then connect again."


class NotConnected(PortalError):
    """The connection to the workspace is down just now."""

    next_step = "Wait for it to come back, or connect again."


class AgentError(PortalError):
    """The agent on the workspace host refused a request or failed."""


class AgentUnavailable(AgentError):
    """The host has no usable Python, so only files and a plain terminal work."""


class FileError(PortalError):
    """Something about one file or folder; ``path`` names it."""

    def __init__(self, message: str, *, path: str = "", next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.path = path


class FileMissing(FileError):
    """There is no such file or folder (any more)."""


class AccessDenied(FileError):
    """The user's account on the host may not do this."""


class FileExists(FileError):
    """The name is taken."""


class NotAFolder(FileError):
    """A folder was expected."""


class DiskFull(FileError):
    """Disk or quota is full; the old content is whole."""

    next_step = "Free some space on the host, then save again; your text is kept as a draft."


class FileConflict(FileError):
    """The file changed on the host since it was opened; ``current_digest`` is its new content's."""

    next_step = "Overwrite it, load the newer text, or save yours under another name."

    def __init__(self, message: str, *, path: str = "", current_digest: str = "") -> None:
        super().__init__(message, path=path)
        self.current_digest = current_digest


class NotText(FileError):
    """Binary content, or a file too large for the editor."""


class RunError(PortalError):
    """A run cannot be started, found or stopped."""


class JobError(PortalError):
    """Something about a batch job."""


class JobRefused(JobError):
    """A job cannot be described like this, or the batch system refuses it."""


class QueueUnclear(JobError):
    """The batch system gives no clear answer; what it has is unknown."""

    next_step = "What was shown before may be out of date; it is asked again by itself."


class DataError(PortalError):
    """Something about physics data."""


class UnreadableData(DataError):
    """A file or an object in it is damaged, or of a kind that nobody here can read."""


class ExpressionError(DataError):
    """An expression cannot be computed; ``place`` is the position in it, from 0, or None."""

    def __init__(self, message: str, *, place: int | None = None, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.place = place


class FitFailed(DataError):
    """There is nothing to fit in the range, or the fit does not settle."""


class ReaderEnded(DataError):
    """The reader process ended: the file needs more memory or time than it may take."""


class Superseded(DataError):
    """A newer request, or the person, cancelled this one."""
