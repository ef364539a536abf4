# Wrong in TODO 2: the minutes are divided by 60 in place of multiplied.
def seconds(minutes):
    return minutes / 60
