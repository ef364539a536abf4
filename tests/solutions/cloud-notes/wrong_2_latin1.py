# Wrong in TODO 2: latin-1 knows the ü, but not the 你, which becomes a question mark.
def save_note(bucket, name, text):
    body = text.encode('latin-1', errors='replace')
    bucket.put_object(Key=note_key(name), Body=body, ContentType='text/plain; charset=utf-8')
