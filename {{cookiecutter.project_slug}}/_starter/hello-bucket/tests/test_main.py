"""Sample tests for main.py. They need no account and no network; README.md says how to run them."""

from urllib.parse import parse_qs, urlsplit

from grading import keys_in

FUNCTIONS = [
    "save_text(bucket, name, text)",
    "list_names(bucket)",
    "read_text(bucket, name)",
    "make_link(bucket, name, seconds)",
    "main()",
]


def test_1_a_saved_text_comes_back_unchanged(program, bucket):
    """encode() turns text into bytes, decode() turns them back. Both need the whole text."""
    program.save_text(bucket, "hello.txt", "Grüße, 你好, 👋")

    program.check(program.read_text(bucket, "hello.txt"), "Grüße, 你好, 👋")


def test_2_the_bucket_lists_what_was_saved(program, bucket):
    """bucket.objects.all() gives you every object in the bucket; its name is obj.key."""
    program.check(program.list_names(bucket), [])

    program.save_text(bucket, "one.txt", "1")
    program.save_text(bucket, "notes/two.txt", "2")

    program.check(program.list_names(bucket), ["notes/two.txt", "one.txt"])


def test_3_saving_again_replaces_the_text(program, bucket):
    """Save the text under the name that the function gets: Key=name."""
    program.save_text(bucket, "hello.txt", "old")
    program.save_text(bucket, "hello.txt", "new")

    program.check(program.read_text(bucket, "hello.txt"), "new")
    program.check(program.list_names(bucket), ["hello.txt"])


def test_4_reading_a_missing_file_raises_no_such_key(program, bucket):
    """Leave it to boto3: bucket.Object(name).get() raises the error NoSuchKey."""
    error = program.error_of("read_text", bucket, "nothing.txt")

    program.check(type(error).__name__, "NoSuchKey")


def test_5_a_link_names_the_file_and_expires(program, bucket):
    """generate_presigned_url() gets the bucket and the key in Params, and ExpiresIn=seconds."""
    link = urlsplit(program.make_link(bucket, "hello.txt", 60))
    signed = parse_qs(link.query)

    program.check(link.path, f"/{bucket.name}/hello.txt", "the link opens: ")
    program.check(signed.get("X-Amz-Expires"), ["60"], "seconds: ")
    program.check(signed.get("X-Amz-Algorithm"), ["AWS4-HMAC-SHA256"], "signed with: ")


def test_6_the_program_runs_twice_and_saves_something(program, bucket, capsys):
    """main() should save a file in the bucket, and print what it does."""
    program.main()
    program.main()

    program.check(keys_in(bucket) != [], True, "is a file in the bucket: ")
    program.check(capsys.readouterr().out != "", True, "was something printed: ")
