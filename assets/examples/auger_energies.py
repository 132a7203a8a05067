"""The highest energies: cosmic rays seen by the Pierre Auger Observatory.

Reads an excerpt of its open data (energies in EeV = 10^18 eV, zenith angles in degrees) and one
event with all its stations; writes auger_energies.png.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

data = Path(__file__).parent / "data"
ordinary = np.genfromtxt(data / "dataSummarySD1500_subset.csv", delimiter=",", names=True)
highest = np.genfromtxt(
    data / "auger_catalog_highest_energy.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
)
event = json.loads((data / "auger_111061311000.json").read_text())
stations = event["stations"]
print(f"{len(ordinary)} ordinary events, {len(highest)} of the highest energies")
top = highest[np.argmax(highest["sd_energy"])]
print(f"the highest here: {top['name']} with {top['sd_energy']} EeV = {top['sd_energy'] * 0.16:.0f} J")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
for sample, label, colour in (
    (ordinary, "excerpt, 2004 to 2006", "#1f77b4"),
    (highest, "highest energies", "#d62728"),
):
    left.scatter(sample["sd_theta"], sample["sd_energy"], s=22, alpha=0.7, label=label, c=colour)
left.set(xlabel="zenith angle / degree", ylabel="energy / EeV", yscale="log", title="Events")
left.legend(frameon=False)

x, y, signal = (np.array([float(s[key]) for s in stations]) for key in ("x", "y", "signal"))
time = np.array([float(s["t"]) for s in stations])  # ns
points = right.scatter(
    x / 1000, y / 1000, s=12 + 20 * np.log1p(signal), c=(time - time.min()) / 1000, cmap="viridis", alpha=0.8
)
figure.colorbar(points, ax=right, label="time of arrival / µs")
right.set(xlabel="x / km", ylabel="y / km", title="One shower on the ground", aspect="equal")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig(data.parent / "auger_energies.png", dpi=150)
print("wrote auger_energies.png")
