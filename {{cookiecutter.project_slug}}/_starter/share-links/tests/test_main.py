"""Tests for share-links. They have the numbers of the TODOs; README.md says how to run them."""

from urllib.parse import parse_qs, unquote, urlsplit

from grading import keys_in

FUNCTIONS = [
    "seconds(minutes)",
    "file_is_there(bucket, name)",
    "share(bucket, name, minutes)",
    "share_all(bucket, folder, minutes)",
]
STARTED = {  # from hash_of() in grading.py: has anybody begun with a function?
    "seconds": "c8cd6d5e",
    "file_is_there": "b64ad00f",
    "share": "0fba1dd7",
    "share_all": "319f3e75",
}


def store(bucket, *names):
    """Put files into the bucket without main.py."""
    for name in names:
        bucket.put_object(Key=name, Body=b"Only for friends.")


def check_link(program, link, bucket, name, minutes):
    """Check which file of which bucket a link opens, and for how long."""
    parts = urlsplit(str(link))
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    if parts.scheme != "https" or "X-Amz-Signature" not in asked:
        program.fail(repr(link)[:120], "a link from generate_presigned_url")
    program.check(unquote(parts.path), f"/{bucket.name}/{name}", "the link opens: ")
    lasts = asked.get("X-Amz-Expires", "")
    program.check(int(lasts) if lasts.isdigit() else lasts, minutes * 60, "it lasts, in seconds: ")
    # A link for writing or deleting looks the same; only its signature is different.
    for method in ("put_object", "delete_object", "head_object"):
        what = {"Bucket": bucket.name, "Key": name}
        sign = bucket.meta.client.generate_presigned_url
        if link == sign(method, Params=what, ExpiresIn=minutes * 60):
            program.fail(f"a link for {method}", "a link for get_object")


def test_1_a_link_can_last_seven_days(program):
    """One day has 24 * 60 minutes. How many are there in seven days?"""
    program.check(program.value("LONGEST"), 10080)


def test_2_minutes_become_seconds(program):
    """A minute has 60 seconds; * means times."""
    program.check(program.seconds(10), 600)
    program.check(program.seconds(1), 60)


def test_3a_a_file_in_the_bucket_is_found(program, bucket):
    """In the loop: if obj.key == name: return True. Only after the loop: return False."""
    store(bucket, "a.txt", "trip/plan.txt", "z.txt")
    program.check(program.file_is_there(bucket, "trip/plan.txt"), True)
    program.check(program.file_is_there(bucket, "z.txt"), True)


def test_3b_a_file_with_a_similar_name_is_not_found(program, bucket):
    """Compare the whole name with ==."""
    store(bucket, "trip/plan.txt", "Secret.txt")
    program.check(program.file_is_there(bucket, "trip/plan"), False)
    program.check(program.file_is_there(bucket, "plan.txt"), False)
    program.check(program.file_is_there(bucket, "secret.txt"), False)


def test_4_a_link_opens_the_file_for_the_right_time(program, bucket):
    """generate_presigned_url('get_object', Params=..., ExpiresIn=seconds(minutes))"""
    store(bucket, "trip/plan.txt", "b.txt")
    check_link(program, program.share(bucket, "trip/plan.txt", 10), bucket, "trip/plan.txt", 10)
    check_link(program, program.share(bucket, "b.txt", 90), bucket, "b.txt", 90)


def test_5a_a_missing_file_gives_a_sentence(program, bucket):
    """if not file_is_there(bucket, name): return the sentence, with the name in it."""
    store(bucket, "b.txt")
    program.check(program.share(bucket, "c.txt", 10), "There is no file called c.txt.")


def test_5b_a_time_that_is_too_long_gives_a_sentence(program, bucket):
    """if minutes > LONGEST: return the sentence. LONGEST itself is not too long."""
    store(bucket, "b.txt")
    longest = program.value("LONGEST")
    sentence = f"A link can last {longest} minutes at most."
    program.check(program.share(bucket, "b.txt", longest + 1), sentence)
    check_link(program, program.share(bucket, "b.txt", longest), bucket, "b.txt", longest)


def test_6_every_file_in_a_folder_gets_a_link(program, bucket):
    """Begin with links = {}, then for each obj in the folder: links[obj.key] = share(...)"""
    names = ["class/a.txt", "class/b.txt", "diary.txt", "my/class/c.txt"]
    store(bucket, *names)
    links = program.share_all(bucket, "class/", 45)
    if not isinstance(links, dict):
        program.check(links, {"class/a.txt": "its link", "class/b.txt": "its link"})
    program.check(sorted(links, key=str), ["class/a.txt", "class/b.txt"], "names: ")
    for name, link in links.items():
        check_link(program, link, bucket, name, 45)
    program.check(keys_in(bucket), names, "in the bucket: ")
