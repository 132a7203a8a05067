"""The program that runs on the workspace host; standard library only, Python 3.8 or newer."""
