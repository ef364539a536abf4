"""Tests of cloud-notes. The numbers are those of the TODOs; README.md says how to run them."""

from grading import keys_in

FUNCTIONS = [
    "note_key(name)",
    "save_note(bucket, name, text)",
    "read_note(bucket, name)",
    "list_notes(bucket)",
    "delete_note(bucket, name)",
]


def store(program, bucket, **notes):
    """Put notes into the bucket without main.py, where its note_key says."""
    for name, text in notes.items():
        bucket.put_object(Key=program.note_key(name), Body=text.encode())


def test_1_a_note_has_a_key_in_the_folder_notes(program):
    """Put 'notes/' in front of the name, and '.txt' behind it."""
    program.check(program.note_key("tea"), "notes/tea.txt")
    program.check(program.note_key("milk"), "notes/milk.txt")


def test_2_a_saved_note_keeps_every_letter(program, bucket):
    """Other letters than English ones need text.encode('utf-8')."""
    key = program.note_key("greeting")
    program.save_note(bucket, "greeting", "Grüße, 你好 👋")
    program.check(keys_in(bucket), [key], "in the bucket: ")
    stored = bucket.Object(key).get()["Body"].read().decode("utf-8", "replace")
    program.check(stored, "Grüße, 你好 👋", "in the bucket: ")


def test_3_a_note_is_read_back_as_it_was_saved(program, bucket):
    """obj.get()['Body'].read() gives bytes; .decode() makes a text of them."""
    store(program, bucket, tea="Green, 80 °C\nTwo minutes\n", milk="One litre")
    program.check(program.read_note(bucket, "tea"), "Green, 80 °C\nTwo minutes\n")
    program.check(program.read_note(bucket, "milk"), "One litre")


def test_4_a_note_that_is_not_there_is_answered_with_a_sentence(program, bucket):
    """except bucket.meta.client.exceptions.NoSuchKey: is the place to return the sentence."""
    store(program, bucket, teapot="White", empty="")
    program.check(program.read_note(bucket, "tea"), "There is no note called tea.")
    program.check(program.read_note(bucket, "empty"), "")
    program.check(program.read_note(bucket, "homework"), "There is no note called homework.")


def test_5a_the_list_has_the_names_of_all_notes(program, bucket):
    """removeprefix('notes/') cuts off the front, removesuffix('.txt') the end; sorted() sorts."""
    store(program, bucket, text="Any", milk="One litre", apples="Three")
    program.check(program.list_notes(bucket), ["apples", "milk", "text"])
    store(program, bucket, **{"room 2.13": "Maths", "milk 2": "Two litres"})
    program.check(program.list_notes(bucket), ["apples", "milk", "milk 2", "room 2.13", "text"])


def test_5b_other_files_are_not_listed(program, bucket):
    """bucket.objects.filter(Prefix='notes/') leaves out what lies elsewhere."""
    store(program, bucket, tea="Green")
    bucket.put_object(Key="album/holiday.txt", Body=b"Not a note.")
    bucket.put_object(Key="notes-of-last-year.txt", Body=b"Not a note.")
    program.check(program.list_notes(bucket), ["tea"])


def test_6_a_deleted_note_is_gone_and_the_others_stay(program, bucket):
    """bucket.Object(note_key(name)).delete() deletes one object."""
    store(program, bucket, tea="Green", teapot="White")
    stays = program.note_key("teapot")
    program.delete_note(bucket, "tea")
    program.check(keys_in(bucket), [stays], "in the bucket: ")
