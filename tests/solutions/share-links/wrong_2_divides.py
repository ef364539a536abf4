# Wrong in TODO 2: the minutes are divided by 60 instead of multiplied.
def seconds(minutes):
    return minutes / 60
