"""The Z boson in real CMS data: the invariant mass of two muons.

Reads transverse momentum, direction and charge of both muons in 10 583 events (CMS Open Data, 2011)
and writes the picture dimuon_mass.png.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

here = Path(__file__).parent
events = np.genfromtxt(here / "data" / "Zmumu_Run2011A.csv", delimiter=",", names=True)

# Two particles that are light compared with their energy (GeV):
#   M^2 = 2 pt1 pt2 (cosh(eta1 - eta2) - cos(phi1 - phi2))
opposite = events[events["Q1"] * events["Q2"] < 0]
angles = np.cosh(opposite["eta1"] - opposite["eta2"]) - np.cos(opposite["phi1"] - opposite["phi2"])
mass = np.sqrt(2 * opposite["pt1"] * opposite["pt2"] * angles)

counts, edges = np.histogram(mass, bins=100, range=(60, 120))
centres = (edges[:-1] + edges[1:]) / 2
peak = centres[np.argmax(counts)]
print(f"{len(events)} events, {len(opposite)} with muons of opposite charge")
print(f"highest bin at {peak:.1f} GeV; the Z boson has 91.19 GeV")

figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
axes.stairs(counts, edges, fill=True, color="#1f77b4", alpha=0.25)
axes.errorbar(centres, counts, np.sqrt(counts), fmt=".", color="#1f77b4", label="CMS, 7 TeV, 2011")
axes.axvline(91.1876, color="#d62728", linestyle="--", linewidth=1, label="Z boson, 91.19 GeV")
axes.set(
    title="Two muons of opposite charge",
    xlabel="invariant mass / GeV",
    ylabel=f"events / {edges[1] - edges[0]:.1f} GeV",
    xlim=(60, 120),
    ylim=(0, None),
)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
figure.savefig(here / "dimuon_mass.png", dpi=150)
print("wrote dimuon_mass.png")
