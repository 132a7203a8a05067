"""The look of the house: one theme for every component, and the style sheets in ``assets``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent / "assets"

FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'

THEME: dict[str, Any] = {
    "light": {
        "palette": {
            "primary": {"main": "#0b5cad"},
            "secondary": {"main": "#a3480a"},
            "background": {"default": "#f6f8fb", "paper": "#ffffff"},
            "success": {"main": "#1b6e35"},
            "error": {"main": "#b3261e"},
            "warning": {"main": "#8a5300"},
            "text": {"secondary": "#4a5568"},
        },
    },
    "dark": {
        "palette": {
            "primary": {"main": "#8ab8f5"},
            "secondary": {"main": "#ffb27a"},
            "background": {"default": "#10151c", "paper": "#18202a"},
            "success": {"main": "#7bd497"},
            "error": {"main": "#ff9d94"},
            "warning": {"main": "#ffc46b"},
            "text": {"secondary": "#b4c0cf"},
        },
    },
}
"""Colours that meet WCAG 2.1 AA against their backgrounds in both modes."""

for _mode in THEME.values():
    # The system's own letters: the library's would come in a dozen files, one after another.
    _mode["typography"] = {
        "fontFamily": FONTS,
        "button": {"textTransform": "none", "fontWeight": 600},
    }
    _mode["shape"] = {"borderRadius": 8}
    # The bar belongs to the page instead of shouting over it; its controls look as everywhere.
    _mode["components"] = {
        "MuiLinearProgress": {"defaultProps": {"aria-label": "Busy"}},
        "MuiCircularProgress": {"defaultProps": {"aria-label": "Busy"}},
        "MuiAppBar": {
            "defaultProps": {"elevation": 0},
            "styleOverrides": {
                "root": {
                    "backgroundColor": _mode["palette"]["background"]["paper"],
                    "backgroundImage": "none",
                    "color": _mode["palette"]["primary"]["main"],
                    "borderBottom": "1px solid var(--mui-palette-divider)",
                    "& .MuiTypography-root, & a": {"color": "inherit"},
                    "& .title": {
                        "fontSize": "1.35rem",
                        "fontWeight": 700,
                        "@media (max-width: 700px)": {"display": "none"},
                    },
                    "& .MuiToolbar-root": {"paddingLeft": "16px", "paddingRight": "8px"},
                }
            },
        },
    }


@cache
def sheet(name: str) -> str:
    """The text of a style sheet ``assets/css/<name>.css``."""
    return (ASSETS / "css" / f"{name}.css").read_text(encoding="utf-8")
