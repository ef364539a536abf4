"""Tests for guestbook. They have the numbers of the TODOs; README.md says how to run them."""

import json
from copy import deepcopy

from grading import keys_in, short

FUNCTIONS = [
    "save_entries(bucket, entries)",
    "load_entries(bucket)",
    "add_entry(bucket, name, text, stars)",
    "best(entries, number)",
]
STARTED = {  # from hash_of() in grading.py: has anybody begun with a function?
    "save_entries": "60b1b4b9",
    "load_entries": "6d441d3f",
    "add_entry": "5f5eb0cb",
    "best": "e05b785d",
}

ADA = {"name": "Ada", "text": "Grüße!", "stars": 5}
LINUS = {"name": "Linus", "text": "Could be louder.", "stars": 3}
GRACE = {"name": "Grace", "text": "No bugs.", "stars": 5}
ALAN = {"name": "Alan", "text": "I can think of better.", "stars": 1}


def stored_entries(program, bucket):
    """Return the list that is in the bucket, whatever its file is called."""
    keys = keys_in(bucket)
    if len(keys) != 1:
        program.fail(f"in the bucket: {keys}", "in the bucket: one file")
    text = bucket.Object(keys[0]).get()["Body"].read().decode(errors="replace")
    try:
        entries = json.loads(text)
    except ValueError:
        entries = None
    if entries is None:
        hint = "json.dumps(entries) makes text of the list, and .encode() makes bytes of the text."
        program.fail(f"in the bucket: {short(text)}", "in the bucket: the list as JSON", hint)
    return entries


def test_1_the_file_has_its_new_name(program, bucket):
    """Change the text after BOOK = at the top of main.py."""
    program.save_entries(bucket, [ADA])
    program.check(keys_in(bucket), ["guestbook.json"], "in the bucket: ")


def test_2_the_file_has_the_content_type_of_json(program, bucket):
    """ContentType=... is in the last line of save_entries."""
    program.save_entries(bucket, [ADA])
    stored_entries(program, bucket)
    kind = bucket.Object(keys_in(bucket)[0]).content_type
    program.check(kind, "application/json", "content type: ")


def test_3a_the_saved_entries_are_loaded(program, bucket):
    """Read the file BOOK. json.loads turns .get()['Body'].read().decode() into a list."""
    program.save_entries(bucket, [ADA, LINUS])
    program.check(program.load_entries(bucket), [ADA, LINUS])


def test_3b_without_a_file_the_list_is_empty(program, bucket):
    """Catch the missing file: try: ... except bucket.meta.client.exceptions.NoSuchKey:"""
    program.check(program.load_entries(bucket), [])


def test_3c_a_broken_file_is_not_an_empty_book(program, bucket):
    """Only catch the missing file: except bucket.meta.client.exceptions.NoSuchKey:"""
    program.save_entries(bucket, [ADA])
    bucket.put_object(Key=keys_in(bucket)[0], Body=b'[{"name": "Ada", ')
    if program.error_of("load_entries", bucket) is None:
        program.fail("[], although the file is broken", "it stops with an error")


def test_4a_a_new_entry_comes_after_the_older_ones(program, bucket):
    """Load the list, append the entry, save the list.

    append() changes the list and returns None: do not write `entries =` in front of it.
    """
    program.add_entry(bucket, *ADA.values())
    program.add_entry(bucket, *LINUS.values())
    program.check(stored_entries(program, bucket), [ADA, LINUS], "in the bucket: ")


def test_4b_twenty_entries_are_all_still_there(program, bucket):
    """Load the list from the bucket first. append() then puts the new entry at its end."""
    guests = ["Ada", "Linus", "Ada", "Grace", "Ada"] * 4
    for number, guest in enumerate(guests):
        program.add_entry(bucket, guest, "Hello!", 4 - number % 2)
    names = [entry["name"] for entry in stored_entries(program, bucket)]
    program.check(len(names), 20, "entries in the bucket: ")
    program.check(names, guests, "names in the bucket: ")


def test_5a_the_best_entries_have_the_most_stars(program):
    """sorted(entries, key=..., reverse=True) puts most stars first; [:number] keeps the best."""
    program.check(program.best(deepcopy([ALAN, LINUS, ADA]), 2), [ADA, LINUS])
    program.check(program.best(deepcopy([LINUS, ADA, ALAN]), 1), [ADA])


def test_5b_with_the_same_stars_the_older_entry_comes_first(program):
    """Sort by the stars only: sorted() leaves ties in their old order, even with reverse=True."""
    program.check(program.best(deepcopy([LINUS, GRACE, ALAN, ADA]), 3), [GRACE, ADA, LINUS])


def test_5c_a_short_book_gives_all_its_entries(program):
    """A slice such as some_list[:number] works even if the list is shorter."""
    program.check(program.best(deepcopy([ALAN, LINUS]), 10), [LINUS, ALAN])
    program.check(program.best([], 3), [])


def test_5d_the_original_list_does_not_change(program):
    """sorted(entries) makes a new list; entries.sort() changes the original."""
    entries = deepcopy([ALAN, LINUS, ADA])
    program.best(entries, 2)
    program.check(entries, [ALAN, LINUS, ADA], "the list is now: ")
