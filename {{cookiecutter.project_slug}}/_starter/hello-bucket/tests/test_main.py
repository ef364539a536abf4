"""Sample tests for main.py. They need no account and no network; README.md says how to run them."""

from urllib.parse import parse_qs, urlsplit

import main
import pytest


def test_a_saved_text_comes_back_unchanged(bucket):
    main.save_text(bucket, "hello.txt", "Grüße, 你好, 👋")

    assert main.read_text(bucket, "hello.txt") == "Grüße, 你好, 👋"


def test_the_bucket_lists_what_was_saved(bucket):
    assert main.list_names(bucket) == []

    main.save_text(bucket, "one.txt", "1")
    main.save_text(bucket, "notes/two.txt", "2")

    assert main.list_names(bucket) == ["notes/two.txt", "one.txt"]


def test_saving_again_replaces_the_text(bucket):
    main.save_text(bucket, "hello.txt", "old")
    main.save_text(bucket, "hello.txt", "new")

    assert main.read_text(bucket, "hello.txt") == "new"
    assert main.list_names(bucket) == ["hello.txt"]


def test_reading_a_missing_file_raises_no_such_key(bucket):
    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        main.read_text(bucket, "nothing.txt")


def test_a_link_names_the_object_and_expires(bucket):
    link = urlsplit(main.make_link(bucket, "hello.txt", seconds=60))
    signed = parse_qs(link.query)

    assert link.path == f"/{bucket.name}/hello.txt"
    assert signed["X-Amz-Expires"] == ["60"]
    assert signed["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_the_program_runs_twice_and_saves_something(bucket, capsys):
    main.main()
    main.main()

    assert main.list_names(bucket) != []
    assert capsys.readouterr().out != ""
