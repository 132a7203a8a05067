"""The demo's portal, as a process of its own that ends with the demo.

``python -m vispa_panel.demo.portal FOLDER PORT WORKSPACE_PORT`` serves the settings below; the only
workspace is the demo's SSH server, whose host key is pinned.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from importlib import import_module
from pathlib import Path

from vispa_panel.demo.command import LOOPBACK, demo_account
from vispa_panel.demo.homes import DemoData
from vispa_panel.demo.lifeline import end_with_starter
from vispa_panel.errors import IdentityError
from vispa_panel.identity.desk import Desk
from vispa_panel.settings import Settings, load_settings

GUEST_LEASE_MINUTES = 720


def demo_settings(data: DemoData, port: int, workspace_port: int) -> Settings:
    """Return what an operator would have written for this demo."""
    host_key = Path(f"{data.host_key}.pub").read_text(encoding="utf-8").strip()
    workspace = {
        "id": "demo",
        "name": "Demo workspace",
        "host": LOOPBACK,
        "port": workspace_port,
        "key_file": data.client_key,
        "host_keys": [host_key],
        "default": True,
    }
    return load_settings(
        portal={
            "address": LOOPBACK,
            "port": port,
            "data_folder": data.root / "portal",
        },
        guests={"enabled": True, "lease_minutes": GUEST_LEASE_MINUTES},
        workspaces=[workspace],
    )


def ensure_account(settings: Settings, data: DemoData) -> None:
    """Make the demo's user unless an earlier start has made it."""
    account = demo_account(data)
    desk = Desk.open(settings)
    try:
        with contextlib.suppress(IdentityError):  # it is there already
            asyncio.run(desk.accounts.add(account.name, account.password))
    finally:
        desk.close()


def main() -> None:
    """Serve until SIGTERM, or until the demo's command is gone."""
    end_with_starter()
    os.umask(0o077)
    data = DemoData(Path(sys.argv[1]))
    settings = demo_settings(data, int(sys.argv[2]), int(sys.argv[3]))
    ensure_account(settings, data)
    # The shell stands above the engine, so it is named here and not imported.
    import_module("vispa_panel.app").run(settings)


if __name__ == "__main__":
    main()
