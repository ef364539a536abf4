"""Fails if others could see a key: in a program, or in a file that git keeps.

This file is given: a reset may replace it.
"""

import pytest
from b2_problems import block
from check_setup import find_leaks


def test_no_key_is_where_others_can_see_it():
    """Looks through your programs, and through every file that git keeps."""
    leaks = find_leaks()

    if leaks:
        pytest.fail("".join(block(leak) for leak in leaks), pytrace=False)
