"""The crash test (reliability 4.3): a world outside the relay, load, a nemesis, and the reckoning.

`python -m tests.crash --kills 20 --seed 11` prints one JSON line.
"""
