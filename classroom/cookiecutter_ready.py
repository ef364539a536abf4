"""Imports what makes a project. new_class imports this once, and forks its processes from there.

See pytest_ready.py.
"""

import gc

import cookiecutter.main

__all__ = ["cookiecutter"]

gc.freeze()  # all processes share what is here now; the collector leaves it alone
