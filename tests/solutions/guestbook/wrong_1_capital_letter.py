# Wrong in TODO 1: The file is called Guestbook.json with a capital G, but names in a bucket tell apart capital and small letters.
BOOK = 'Guestbook.json'
