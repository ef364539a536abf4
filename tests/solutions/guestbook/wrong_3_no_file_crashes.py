# Wrong in TODO 3: Nothing is done about the missing file, so the first run crashes with NoSuchKey.
def load_entries(bucket):
    obj = bucket.Object(BOOK)
    content = obj.get()['Body'].read()
    text = content.decode()
    return json.loads(text)
