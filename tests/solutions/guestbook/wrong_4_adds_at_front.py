# Wrong in TODO 4: The new entry is put at the front of the list, not at the end.
def add_entry(bucket, name, text, stars):
    entry = {'name': name, 'text': text, 'stars': stars}
    entries = load_entries(bucket)
    entries.insert(0, entry)
    save_entries(bucket, entries)
    return entry
