"""The command line: ``vispa-panel serve | demo | user | feedback | version``."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from vispa_panel.errors import PortalError
from vispa_panel.identity.desk import Desk
from vispa_panel.identity.roles import Role
from vispa_panel.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vispa_panel.identity.accounts import Accounts


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code, 1 for a mistake told in a sentence."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["demo"]:
        from vispa_panel.demo.command import main as demo  # noqa: PLC0415 - needs asyncssh

        return int(demo(words[1:]) or 0)
    wanted = _parser().parse_args(words)
    if wanted.command == "version":
        print(version("vispa-panel"))  # noqa: T201 - a command's answer
        return 0
    try:
        if wanted.command == "serve":
            from vispa_panel.app import run  # noqa: PLC0415 - loads every page

            run(load_settings(wanted.config))
        elif wanted.command == "feedback":
            _read_feedback(wanted)
        else:
            _manage_users(wanted)
    except PortalError as error:
        print(error.advice, file=sys.stderr)  # noqa: T201 - a command's answer
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vispa-panel", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version", help="print the version")
    commands.add_parser("demo", help="try the portal with a workspace of its own")
    _with_config(commands.add_parser("serve", help="run the portal"))
    _with_config(commands.add_parser("feedback", help="read what people wrote, newest first"))
    user = commands.add_parser("user", help="manage accounts").add_subparsers(
        dest="deed", required=True
    )
    adding = _with_name(user.add_parser("add", help="add an account; asks for the password"))
    adding.add_argument(
        "--role", choices=[role.value for role in Role if role != Role.GUEST], default="user"
    )
    _with_config(user.add_parser("list", help="list the accounts"))
    _with_name(user.add_parser("password", help="set a new password and sign the user out"))
    _with_name(user.add_parser("disable", help="refuse an account and sign the user out"))
    _with_name(user.add_parser("enable", help="accept an account again"))
    return parser


def _with_config(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--config", type=Path, help="TOML file of settings")
    return parser


def _with_name(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("name", help="user name")
    return _with_config(parser)


def _read_feedback(wanted: argparse.Namespace) -> None:
    desk = Desk.open(load_settings(wanted.config))
    try:
        for one in asyncio.run(desk.feedback.list()):
            when = datetime.fromtimestamp(one.time, tz=UTC).isoformat(" ", "minutes")
            # people write it: no control character of theirs reaches the operator's terminal
            text = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in one.text)
            print(f"{when}  {one.author}\n{text}\n")  # noqa: T201 - a command's answer
    finally:
        desk.close()


def _manage_users(wanted: argparse.Namespace) -> None:
    desk = Desk.open(load_settings(wanted.config))
    try:
        asyncio.run(_do(wanted, desk.accounts))
    finally:
        desk.close()


async def _do(wanted: argparse.Namespace, accounts: Accounts) -> None:
    match wanted.deed:
        case "add":
            await accounts.add(wanted.name, _password(), Role(wanted.role))
        case "password":
            await accounts.set_password(wanted.name, _password())
        case "disable":
            await accounts.disable(wanted.name)
        case "enable":
            await accounts.enable(wanted.name)
        case _:
            for user in await accounts.list():
                state = "disabled" if user.disabled else "enabled"
                print(f"{user.name}\t{user.role}\t{state}")  # noqa: T201 - a command's answer


def _password() -> str:
    """From the terminal, or the first line of standard input; never from an argument."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: ")
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    sys.exit(main())
