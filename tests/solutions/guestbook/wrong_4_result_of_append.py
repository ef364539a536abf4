# Wrong in TODO 4: It saves the result of append, which is None, so the file holds null.
def add_entry(bucket, name, text, stars):
    entry = {'name': name, 'text': text, 'stars': stars}
    entries = load_entries(bucket)
    entries = entries.append(entry)
    save_entries(bucket, entries)
    return entry
