"""TEfficiency, with the intervals of Clopper and Pearson."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import beta

from vispa_panel.physics.drawables.histograms import histogram
from vispa_panel.physics.drawables.kinds import draws, name_of, title_of
from vispa_panel.physics.values import Efficiency, Floats

CONFIDENCE = 0.682689492137
"""ROOT's default: one standard deviation."""


def clopper_pearson(passed: Floats, total: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The ends of the central interval, as in TEfficiency::ClopperPearson; (0, 1) where total is 0.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404.
    """
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(passed > 0, beta.ppf(tail, passed, total - passed + 1), 0.0)
        high = np.where(passed < total, beta.ppf(1 - tail, passed + 1, total - passed), 1.0)
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0)


@draws("TEfficiency")
def efficiency(model: Any) -> Efficiency:
    """Passed over total, bin by bin."""
    passed: Any = histogram(model.member("fPassedHistogram"))
    total: Any = histogram(model.member("fTotalHistogram"))
    confidence = float(model.member("fConfLevel")) or CONFIDENCE
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(total.values > 0, passed.values / total.values, np.nan)
    low, high = clopper_pearson(passed.values, total.values, confidence)
    return Efficiency(name_of(model), title_of(model), passed, total, values, low, high, confidence)
