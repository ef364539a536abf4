# Wrong in TODO 4: there is no try at all, so a missing note stops the program.
def read_note(bucket, name):
    obj = bucket.Object(note_key(name))
    content = obj.get()['Body'].read()
    return content.decode()
