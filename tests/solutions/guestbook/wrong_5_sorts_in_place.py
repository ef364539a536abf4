# Wrong in TODO 5: It sorts the list that it was given with entries.sort, so that list changes.
def best(entries, number):
    entries.sort(key=lambda entry: entry['stars'], reverse=True)
    return entries[:number]
