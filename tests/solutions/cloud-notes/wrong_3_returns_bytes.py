# Wrong in TODO 3: it returns the bytes, because decode() is missing.
def read_note(bucket, name):
    obj = bucket.Object(note_key(name))
    try:
        content = obj.get()['Body'].read()
    except bucket.meta.client.exceptions.NoSuchKey:
        return 'There is no note called ' + name + '.'
    return content
