"""Everything about who somebody is, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vispa_panel.identity.accounts import Accounts
from vispa_panel.identity.passwords import Passwords
from vispa_panel.identity.sign_ins import SignInSessions
from vispa_panel.identity.throttle import Throttle
from vispa_panel.store.audit import Audit
from vispa_panel.store.database import Database
from vispa_panel.store.drafts import Drafts
from vispa_panel.store.feedback import Feedback
from vispa_panel.store.memory import Memory
from vispa_panel.store.own_workspaces import OwnWorkspaces

if TYPE_CHECKING:
    from vispa_panel.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """The services over one database; made by :meth:`open`, ended by :meth:`close`."""

    database: Database
    passwords: Passwords
    accounts: Accounts
    sign_ins: SignInSessions
    memory: Memory
    drafts: Drafts
    own_workspaces: OwnWorkspaces
    audit: Audit
    feedback: Feedback

    @classmethod
    def open(cls, settings: Settings) -> Desk:
        """Open (and migrate) the database; blocking, so before the loop starts."""
        database = Database.of(settings)
        database.migrate()
        passwords = Passwords()
        return cls(
            database=database,
            passwords=passwords,
            accounts=Accounts(database, passwords, Throttle(settings.sign_in)),
            sign_ins=SignInSessions(database, settings.sign_in),
            memory=Memory(database),
            drafts=Drafts(database),
            own_workspaces=OwnWorkspaces(database),
            audit=Audit(database),
            feedback=Feedback(database),
        )

    def close(self) -> None:
        """End the threads and the connections."""
        self.passwords.close()
        self.database.close()
