"""Look into a ROOT file with uproot: its objects, its branches, and four of them as histograms.

Writes read_root_file.png.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import uproot

here = Path(__file__).parent
with uproot.open(here / "data" / "Zmumu.root") as file:
    for name, kind in file.classnames().items():
        print(f"{name}: {kind}")
    tree = file["events"]
    print(f"{tree.num_entries} entries, {len(tree.keys())} branches:")
    tree.show(name_width=12, typename_width=20)
    values = tree.arrays(["pt1", "eta1", "phi1", "M"], library="np")

labels = {
    "pt1": "transverse momentum / GeV",
    "eta1": "pseudorapidity",
    "phi1": "azimuth / rad",
    "M": "invariant mass / GeV",
}
figure, panels = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
for axes, (name, label) in zip(panels.flat, labels.items(), strict=True):
    axes.hist(values[name], bins=50, color="#1f77b4", alpha=0.7)
    axes.set(xlabel=label, ylabel="events", title=name)
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig(here / "read_root_file.png", dpi=150)
print("wrote read_root_file.png")
