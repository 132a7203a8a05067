"""The database: one engine, used from a small pool of threads, never on the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from vispa_panel.settings import Settings

T = TypeVar("T")

_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Runs short transactions off the loop; SQLite (WAL) by default, PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = create_engine(url, hide_parameters=True)
        is_sqlite = self.engine.dialect.name == "sqlite"
        if is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        # SQLite has one writer anyway: one thread keeps its transactions from waiting in a lock.
        self._threads = ThreadPoolExecutor(1 if is_sqlite else 4, thread_name_prefix="database")

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """The database that the settings name; makes the data folder, readable by us alone."""
        url = settings.portal.database.get_secret_value()
        if not url:
            folder = settings.portal.data_folder
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            url = f"sqlite:///{folder / 'portal.sqlite'}"
        return cls(url)

    def migrate(self) -> None:
        """Bring the tables up to date; blocking, so before the loop or in a thread."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    async def run(self, work: Callable[[Session], T]) -> T:
        """One transaction in a thread: committed when ``work`` returns, rolled back if it raises.

        ``work`` returns values, not rows: those belong to the session, which is closed then.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._transaction, work
        )

    def _transaction(self, work: Callable[[Session], T]) -> T:
        with Session(self.engine) as session, session.begin():
            return work(session)

    def close(self) -> None:
        """Wait for running transactions and close the connections."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - any DBAPI's
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=5000",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
