"""Tests for photo-album. They have the numbers of the TODOs; README.md says how to run them."""

from html.parser import HTMLParser
from pathlib import Path

from grading import keys_in, short

FUNCTIONS = [
    "photo_key(file_name)",
    "upload_photo(bucket, path)",
    "list_photos(bucket)",
    "photo_html(link, key)",
]
STARTED = {  # from hash_of() in grading.py: has anybody begun with a function?
    "photo_key": "2ed0bf1b",
    "upload_photo": "19027fbd",
    "list_photos": "5bbe02f3",
    "photo_html": "3bdb5e39",
}

PIXELS = b"\x89PNG\r\n\x1a\n\x00\xff\r\nno text at all \xfe"


def store(bucket, *keys):
    """Put files into the bucket without main.py."""
    for key in keys:
        bucket.put_object(Key=key, Body=PIXELS)


class Page(HTMLParser):
    """Collects all tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(str(text))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_1_each_of_the_four_file_extensions_has_a_type(program):
    """Write each extension and its type, such as '.jpg': 'image/jpeg', with commas between."""
    types = program.value("TYPES")
    for ending, kind in (
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".jpeg", "image/jpeg"),
        (".gif", "image/gif"),
    ):
        if not isinstance(types, dict) or types.get(ending) != kind:
            program.fail(short(types), f"a dictionary with the pair {ending!r}: {kind!r}")


def test_2_a_photo_has_a_key_in_the_folder_photos(program):
    """Put 'photos/' before the name of the file."""
    program.check(program.photo_key("sun.png"), "photos/sun.png")
    program.check(program.photo_key("boat.gif"), "photos/boat.gif")


def test_3a_an_uploaded_photo_is_the_same_byte_for_byte(program, bucket, tmp_path):
    """Body=path.read_bytes() uploads the file as it is; the Key is photo_key(path.name)."""
    path = tmp_path / "sun.png"
    path.write_bytes(PIXELS)
    key = program.photo_key("sun.png")
    program.upload_photo(bucket, path)
    program.check(keys_in(bucket), [key], "in the bucket: ")
    program.check(bucket.Object(key).get()["Body"].read(), PIXELS, "in the bucket: ")


def test_3b_an_uploaded_photo_has_its_content_type(program, bucket, tmp_path):
    """Use ContentType=TYPES[path.suffix.lower()]"""
    for name, kind in (("small.gif", "image/gif"), ("LOUD.JPG", "image/jpeg")):
        path = tmp_path / name
        path.write_bytes(PIXELS)
        key = program.photo_key(name)
        program.upload_photo(bucket, path)
        if key not in keys_in(bucket):
            program.fail(f"in the bucket: {keys_in(bucket)}", f"in the bucket: also {key!r}")
        program.check(bucket.Object(key).content_type, kind, "content type: ")


def test_3c_other_kinds_of_files_are_not_uploaded(program, bucket, tmp_path):
    """if path.suffix.lower() in TYPES: is only true for pictures."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no picture")
    program.upload_photo(bucket, path)
    program.check(keys_in(bucket), [], "in the bucket: ")


def test_4a_the_list_has_the_keys_of_the_photos_in_order(program, bucket):
    """[obj.key for obj in bucket.objects.filter(Prefix='photos/')]"""
    store(bucket, "photos/sun.png", "photos/boat.png")
    program.check(program.list_photos(bucket), ["photos/boat.png", "photos/sun.png"])


def test_4b_other_files_are_not_in_the_list(program, bucket):
    """A photo's key begins with photos/, and its extension, in lower case, is in TYPES."""
    store(
        bucket,
        "album.html",
        "other.png",
        "photos/LOUD.PNG",
        "photos/notes.txt",
        "photos/mypng",
        "myphotos/a.png",
        "photos-of-last-year/a.png",
    )
    program.check(program.list_photos(bucket), ["photos/LOUD.PNG"])


def test_5a_a_photo_has_an_img_tag_with_its_name(program):
    """'<img src="' + ... + '" alt="' + ... + '">', with Path(key).stem as the name."""
    found = program.photo_html("photos/sun.png", "photos/sun.png")
    if Page(found).tags != [("img", {"src": "photos/sun.png", "alt": "sun"})]:
        program.fail(repr(found), '<img src="photos/sun.png" alt="sun">')
    found = program.photo_html("https://a.b/c", "photos/my.cat.png")
    if Page(found).tags != [("img", {"src": "https://a.b/c", "alt": "my.cat"})]:
        program.fail(repr(found), '<img src="https://a.b/c" alt="my.cat">')


def test_5b_odd_characters_in_a_name_or_a_link_do_not_break_the_page(program):
    """html.escape(text) turns <, " and & into plain text. Both the link and the name need it."""
    found = program.photo_html("https://a.b/c?x=1&copy=2", "photos/sun.png")
    if Page(found).tags != [("img", {"src": "https://a.b/c?x=1&copy=2", "alt": "sun"})]:
        program.fail(repr(found), '<img src="https://a.b/c?x=1&amp;copy=2" alt="sun">')
    key = 'photos/<img src=x onerror="alert(1)"> & "me".png'
    found = program.photo_html("c", key)
    if Page(found).tags != [("img", {"src": "c", "alt": Path(key).stem})]:
        program.fail(repr(found), 'one <img ...> with &lt; and &quot; for < and " in the name')
