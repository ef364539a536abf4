# Wrong in TODO 5: nothing is escaped.
def photo_html(link, key):
    return f'<img src="{link}" alt="{Path(key).stem}">'
