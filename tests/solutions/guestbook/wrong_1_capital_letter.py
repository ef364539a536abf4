# Wrong in TODO 1: The file is called Guestbook.json with a capital G, but capital letters matter in the names of files in a bucket.
BOOK = 'Guestbook.json'
