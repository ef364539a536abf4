"""Tests for cloud-notes. They have the numbers of the TODOs; README.md says how to run them."""

from grading import keys_in

FUNCTIONS = [
    "note_key(name)",
    "save_note(bucket, name, text)",
    "read_note(bucket, name)",
    "list_notes(bucket)",
    "delete_note(bucket, name)",
]
STARTED = {  # from hash_of() in grading.py: has anybody begun with a function?
    "note_key": "6dcb0182",
    "save_note": "50a00aa9",
    "read_note": "b736b01d",
    "list_notes": "09838c4f",
    "delete_note": "188c8b5a",
}


def store(program, bucket, **notes):
    """Put notes into the bucket without save_note, under the keys from note_key."""
    for name, text in notes.items():
        bucket.put_object(Key=program.note_key(name), Body=text.encode())


def test_1_a_note_has_a_key_in_the_folder_notes(program):
    """Put 'notes/' before the name, and '.txt' after it."""
    program.check(program.note_key("tea"), "notes/tea.txt")
    program.check(program.note_key("milk"), "notes/milk.txt")


def test_2_a_saved_note_keeps_every_letter(program, bucket):
    """ascii only knows English letters. Use text.encode('utf-8')."""
    key = program.note_key("greeting")
    program.save_note(bucket, "greeting", "Grüße, 你好 👋")
    if keys_in(bucket) != [key]:
        hint = "Write Key=note_key(name)."
        program.fail(f"in the bucket: {keys_in(bucket)}", f"in the bucket: {[key]}", hint)
    stored = bucket.Object(key).get()["Body"].read().decode("utf-8", "replace")
    program.check(stored, "Grüße, 你好 👋", "in the bucket: ")


def test_3_a_note_comes_back_as_it_was_saved(program, bucket):
    """obj.get()['Body'].read() gives bytes; .decode() turns them into text."""
    store(program, bucket, tea="Green, 80 °C\nTwo minutes\n", milk="One litre")
    program.check(program.read_note(bucket, "tea"), "Green, 80 °C\nTwo minutes\n")
    program.check(program.read_note(bucket, "milk"), "One litre")


def test_4_a_missing_note_gives_a_sentence(program, bucket):
    """Return the sentence after: except bucket.meta.client.exceptions.NoSuchKey:"""
    store(program, bucket, teapot="White", empty="")
    program.check(program.read_note(bucket, "tea"), "There is no note called tea.")
    program.check(program.read_note(bucket, "empty"), "")
    program.check(program.read_note(bucket, "homework"), "There is no note called homework.")


def test_5a_the_list_has_the_names_of_all_notes(program, bucket):
    """removeprefix('notes/') and removesuffix('.txt') leave the name; sorted() sorts the names."""
    store(program, bucket, text="Any", milk="One litre", apples="Three")
    program.check(program.list_notes(bucket), ["apples", "milk", "text"])
    store(program, bucket, **{"room 2.13": "Maths", "milk 2": "Two litres"})
    program.check(program.list_notes(bucket), ["apples", "milk", "milk 2", "room 2.13", "text"])


def test_5b_other_files_are_not_in_the_list(program, bucket):
    """bucket.objects.filter(Prefix='notes/') gives you only what is in notes/."""
    store(program, bucket, tea="Green")
    bucket.put_object(Key="album/holiday.txt", Body=b"Not a note.")
    bucket.put_object(Key="notes-of-last-year.txt", Body=b"Not a note.")
    program.check(program.list_notes(bucket), ["tea"])


def test_6_a_deleted_note_is_gone_and_the_others_are_still_there(program, bucket):
    """bucket.Object(note_key(name)).delete() deletes one object."""
    store(program, bucket, tea="Green", teapot="White")
    other = program.note_key("teapot")
    program.delete_note(bucket, "tea")
    program.check(keys_in(bucket), [other], "in the bucket: ")
