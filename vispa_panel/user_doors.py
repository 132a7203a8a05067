"""The doors through which one user's session reaches what the portal remembers of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vispa_panel.errors import NotAllowed
from vispa_panel.identity.roles import Role
from vispa_panel.store.own_workspaces import OwnWorkspace
from vispa_panel.workspace.definition import SignIn, WorkspaceDefinition
from vispa_panel.workspace.documents import Draft

if TYPE_CHECKING:
    from vispa_panel.identity.desk import Desk
    from vispa_panel.identity.sign_ins import SignInSession
    from vispa_panel.settings import OwnWorkspaceSettings
    from vispa_panel.store.drafts import Drafts
    from vispa_panel.store.memory import Memory


class UserDrafts:
    """The drafts of one user on one workspace; implements ``DraftStore``."""

    def __init__(self, drafts: Drafts, user_id: int, workspace: str) -> None:
        self._drafts = drafts
        self._user_id = user_id
        self._workspace = workspace

    async def load(self, path: str) -> Draft | None:
        """The draft of a file."""
        found = await self._drafts.load(self._user_id, self._workspace, path)
        return None if found is None else Draft(text=found.text, base_digest=found.base_digest)

    async def keep(self, path: str, draft: Draft) -> None:
        """Keep a draft."""
        await self._drafts.save(
            self._user_id, self._workspace, path, draft.text, base_digest=draft.base_digest
        )

    async def drop(self, path: str) -> None:
        """Forget a draft."""
        await self._drafts.forget(self._user_id, self._workspace, path)


class UserMemory:
    """What the portal remembers of one user; implements ``TabMemory``."""

    def __init__(self, memory: Memory, user_id: int) -> None:
        self._memory = memory
        self._user_id = user_id

    async def load(self, key: str) -> object:
        """The value under a key."""
        return await self._memory.load(self._user_id, key)

    async def save(self, key: str, value: object) -> None:
        """Remember a value."""
        await self._memory.save(self._user_id, key, value)


class UserWorkspaces:
    """The machines that one user added; implements ``OwnWorkspaces``."""

    def __init__(self, desk: Desk, session: SignInSession, rules: OwnWorkspaceSettings) -> None:
        self._kept = desk.own_workspaces
        self._user_id = session.user_id
        self._rules = rules
        self.allowed = rules.enabled and session.role is not Role.GUEST

    async def list(self) -> tuple[WorkspaceDefinition, ...]:
        """By name; those that the rules do not allow any more are left out."""
        if not self.allowed:
            return ()
        kept = await self._kept.list(self._user_id)
        return tuple(_own(one) for one in kept if self._rules.allow(one.host))

    async def save(self, definition: WorkspaceDefinition) -> None:
        """Keep one; raises NotAllowed for a host that the operator does not allow."""
        if not self.allowed or not self._rules.allow(definition.host):
            message = f"This portal does not connect to {definition.host}."
            raise NotAllowed(message, next_step="Ask its operator to allow this host.")
        one = OwnWorkspace(
            workspace=definition.id,
            name=definition.name,
            host=definition.host,
            port=definition.port,
            login=definition.login,
            sign_in=definition.sign_in.value,
            base_folder=definition.base_folder,
            host_key="\n".join(definition.host_keys),
        )
        await self._kept.save(self._user_id, one)

    async def delete(self, workspace_id: str) -> None:
        """Forget one."""
        await self._kept.delete(self._user_id, workspace_id)


def _own(one: OwnWorkspace) -> WorkspaceDefinition:
    return WorkspaceDefinition(
        id=one.workspace,
        name=one.name,
        host=one.host,
        port=one.port,
        login=one.login,
        sign_in=SignIn(one.sign_in),
        host_keys=tuple(one.host_key.splitlines()),
        base_folder=one.base_folder,
        is_own=True,
    )
