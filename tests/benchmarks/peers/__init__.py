"""What people would pick instead, put to the same work: installed aside, never into the project.

    python -m tests.benchmarks peers --peers FOLDER

`FOLDER` is made on first use: a virtual environment for what comes from PyPI, a prefix for what comes from npm.
"""
