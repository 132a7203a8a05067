"""The operator's settings are documented, and mistakes name their key."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel

from vispa_panel.errors import SettingsError
from vispa_panel.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]


def test_every_option_is_found_in_the_documentation() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for table, field in Settings.model_fields.items():
        section = field.annotation
        if get_origin(section) is tuple:
            section = get_args(section)[0]
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        for key, option in section.model_fields.items():
            assert f"`{table}.{key}`" in text
            assert str(option.description) in text


def test_the_example_is_valid_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISPA_PORTAL__PORT", "8123")
    settings = load_settings(ROOT / "deploy" / "vispa.toml")

    assert settings.portal.port == 8123
    assert settings.portal.public_url == "https://portal.example.org"
    assert settings.workspaces[0].default


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[portal]\nport = 'x'", "portal.port"),
        ("[portal]\nprot = 1", "portal.prot"),
        ("[portal]\naddress = '0.0.0.0'", "public_url"),
        ("[portal]\npublic_url = 'http://portal.example.org'", "https"),
        ("[sign_in]\nfailures = 0", "sign_in.failures"),
        ("[portal", "TOML"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "vispa.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError, match=key):
        load_settings(file)
