# Wrong in TODO 2: there is no slash between the folder and the name.
def photo_key(file_name):
    return 'photos' + file_name
