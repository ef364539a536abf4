# Wrong in TODO 5: It sorts upwards and turns the list around, so among equal stars the newest comes first.
def best(entries, number):
    ordered = sorted(entries, key=lambda entry: entry['stars'])
    ordered.reverse()
    return ordered[:number]
