# Wrong in TODO 1: the folder is put in front, but .txt gets lost: the key is notes/tea.
def note_key(name):
    return 'notes/' + name
