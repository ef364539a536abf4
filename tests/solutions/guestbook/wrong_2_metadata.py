# Wrong in TODO 2: The type is stored as custom metadata, and the real content type is not set.
def save_entries(bucket, entries):
    body = json.dumps(entries, indent=2, ensure_ascii=False).encode()
    bucket.put_object(Key=BOOK, Body=body, Metadata={'Content-Type': 'application/json'})
