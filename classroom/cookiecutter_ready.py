"""Imported once, before the processes that make projects are forked from it."""

import gc

import cookiecutter.main

__all__ = ["cookiecutter"]

gc.freeze()  # what is there now is shared, and never looked at again
