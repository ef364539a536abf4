# Wrong in TODO 1: .jpg has the type image/jpg, which does not exist; it is image/jpeg.
TYPES = {'.png': 'image/png', '.jpg': 'image/jpg', '.jpeg': 'image/jpeg', '.gif': 'image/gif'}
