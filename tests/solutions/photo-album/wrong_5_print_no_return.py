# Wrong in TODO 5: it prints the tag and returns nothing.
def photo_html(link, key):
    print('<img src="' + html.escape(link) + '" alt="' + html.escape(Path(key).stem) + '">')
