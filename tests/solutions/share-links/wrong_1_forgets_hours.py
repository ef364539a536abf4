# Wrong in TODO 1: LONGEST is 7 * 60, the 24 hours of a day are forgotten.
LONGEST = 7 * 60  # minutes: 7 days
