"""Figures, as ratios within one run on one machine: `make bench`. A new one is a file and a line in `table.py`."""
