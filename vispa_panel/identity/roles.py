"""Roles, and what each of them may do."""

from __future__ import annotations

from enum import StrEnum

from vispa_panel.errors import NotAllowed


class Role(StrEnum):
    """What somebody is in the portal."""

    ADMIN = "admin"
    TEACHER = "teacher"
    USER = "user"
    GUEST = "guest"


class Action(StrEnum):
    """What is asked for; checked on the server at the start of every callback."""

    WORK = "work in a workspace"
    ADD_WORKSPACE = "add a workspace"
    UPLOAD = "upload files"
    TEACH = "teach"
    ADMINISTER = "administer the portal"


_GUEST = frozenset({Action.WORK, Action.UPLOAD})
_USER = _GUEST | {Action.ADD_WORKSPACE}
_TEACHER = _USER | {Action.TEACH}
_ALLOWED = {
    Role.GUEST: _GUEST,
    Role.USER: _USER,
    Role.TEACHER: _TEACHER,
    Role.ADMIN: _TEACHER | {Action.ADMINISTER},
}


def may(role: Role, action: Action) -> bool:
    """Whether the role has the right."""
    return action in _ALLOWED[role]


def require(role: Role, action: Action) -> None:
    """Raises NotAllowed unless the role has the right."""
    if not may(role, action):
        message = f"Your account may not {action}."
        raise NotAllowed(message, next_step="Ask the operator of this portal for the right.")
