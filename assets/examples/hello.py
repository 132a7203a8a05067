"""Says hello, slowly: watch the lines come in while the script runs, or press Stop."""

import time

for number in range(1, 11):
    print(f"{number:2d} of 10: hello from the workspace", flush=True)
    time.sleep(0.5)
print("Done.")
