"""Fit the Z peak: a Breit-Wigner on a flat background, and see by its pulls what it lacks.

A small least-squares fit (Gauss-Newton) with nothing but numpy; writes fit_peak.png.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

here = Path(__file__).parent
events = np.genfromtxt(here / "data" / "Zmumu_Run2011A.csv", delimiter=",", names=True)
angles = np.cosh(events["eta1"] - events["eta2"]) - np.cos(events["phi1"] - events["phi2"])
mass = np.sqrt(2 * events["pt1"] * events["pt2"] * angles)

counts, edges = np.histogram(mass, bins=60, range=(75, 105))
centres = (edges[:-1] + edges[1:]) / 2
errors = np.sqrt(np.maximum(counts, 1))


def model(parameters):
    """Events per bin for (height, mass in GeV, width in GeV, background)."""
    height, position, width, background = parameters
    return height / (1 + ((centres - position) / (width / 2)) ** 2) + background


best = np.array([counts.max(), 91.0, 4.0, 10.0])
for step in range(1, 21):
    residuals = (counts - model(best)) / errors
    nudges = np.diag(1e-4 * np.abs(best))
    slopes = np.array([(model(best + n) - model(best - n)) / (2 * n.sum()) / errors for n in nudges])
    change = np.linalg.solve(slopes @ slopes.T, slopes @ residuals)
    best += change
    print(f"step {step:2d}: chi2 = {np.sum(residuals**2):8.1f}, mass = {best[1]:.3f} GeV", flush=True)
    if np.all(np.abs(change) < 1e-6 * np.abs(best)):
        break
uncertainty = np.sqrt(np.diag(np.linalg.inv(slopes @ slopes.T)))
print(f"mass  {best[1]:.2f} +- {uncertainty[1]:.2f} GeV")
print(f"width {best[2]:.2f} +- {uncertainty[2]:.2f} GeV (the Z's own 2.50 GeV, and the detector)")

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(8, 6), sharex=True, height_ratios=(3, 1), layout="constrained"
)
top.errorbar(centres, counts, errors, fmt=".", color="#333333", label="CMS, 7 TeV, 2011")
top.plot(centres, model(best), color="#d62728", label=f"fit: {best[1]:.2f} GeV")
top.set(title="The Z peak and a fit", ylabel="events / 0.5 GeV", ylim=(0, None))
top.legend(frameon=False)
bottom.bar(centres, (counts - model(best)) / errors, width=0.5, color="#1f77b4", alpha=0.6)
bottom.set(xlabel="invariant mass / GeV", ylabel="pull", xlim=(75, 105))
for axes in (top, bottom):
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig(here / "fit_peak.png", dpi=150)
print("wrote fit_peak.png")
