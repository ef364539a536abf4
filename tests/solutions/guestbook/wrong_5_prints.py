# Wrong in TODO 5: It prints the best entries instead of returning them (and returns an empty list).
def best(entries, number):
    ordered = sorted(entries, key=lambda entry: entry['stars'], reverse=True)
    for entry in ordered[:number]:
        print('   ', '*' * entry['stars'], entry['name'], '-', entry['text'])
    return []
