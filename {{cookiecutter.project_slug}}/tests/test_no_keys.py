"""Nobody but you can see your keys: they are in .env, and .env is not in git.

This file is given: a reset may replace it.
"""

from b2_rules import find_leaks


def test_no_key_is_where_others_can_see_it():
    """Looks through your programs, and through every file that git keeps."""
    leaks = [str(leak) for leak in find_leaks()]

    assert not leaks, "\n".join(leaks)
