# Wrong in TODO 3: it reads the picture as text and leaves out what is not text.
def upload_photo(bucket, path):
    ending = path.suffix.lower()
    if ending in TYPES:
        text = path.read_text(encoding='utf-8', errors='ignore')
        bucket.put_object(Key=photo_key(path.name), Body=text.encode(), ContentType=TYPES[ending])
