# Wrong in TODO 3: it prints the text instead of returning it, so it returns None.
def read_note(bucket, name):
    obj = bucket.Object(note_key(name))
    try:
        content = obj.get()['Body'].read()
    except bucket.meta.client.exceptions.NoSuchKey:
        return 'There is no note called ' + name + '.'
    print(content.decode())
