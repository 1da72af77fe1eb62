"""What the samples say at the end: is memory flat, are descriptors and threads back where they began?

Memory is what the process has for itself (RssAnon); the pages of the metadata map are the kernel's, and grow with what is
stored. Of each life of the server the first half is for warming up; over the second half a line is fitted.
"""
GROWTH_KIB, GROWTH_PART = 6 << 10, 0.15  # over the second half of a life: the larger of the two is allowed
LONG_S = 180  # shorter lives are shown, not judged
SLACK = 2  # descriptors that a moment may have more


def fit(points):
    """The slope of the least-squares line through (x, y), and the mean of y."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return (sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0), mean_y


class Life:
    def __init__(self, rows):
        self.number, self.rows = rows[0][1], rows
        self.seconds = rows[-1][0] - rows[0][0]
        half = [(row[0], row[3]) for row in rows if row[0] >= rows[0][0] + self.seconds / 2]
        slope, self.mean = fit(half)
        self.growth = slope * self.seconds / 2
        self.most_descriptors = max(row[5] for row in rows)
        self.most_rss = max(row[2] for row in rows)

    def is_flat(self):
        return self.seconds < LONG_S or self.growth <= max(GROWTH_KIB, GROWTH_PART * self.mean)

    def line(self):
        return (f"# {self.number:4d} {self.seconds:7.0f} {self.rows[0][2]:9d} {self.most_rss:9d} {self.rows[-1][2]:9d} {self.mean:9.0f} "
                f"{self.growth:+9.0f} {self.most_descriptors:6d}  {'judged' if self.seconds >= LONG_S else 'short'}{'' if self.is_flat() else ', NOT FLAT'}")


def lives_of(samples):
    numbers = sorted({row[1] for row in samples})
    return [Life(rows) for rows in ([row for row in samples if row[1] == number] for number in numbers) if len(rows) > 2]


def judge(samples, at_start, at_end):
    """Prints the table of lives; the faults found."""
    lives, faults = lives_of(samples), []
    print("# life seconds first_rss  most_rss  last_rss mean_anon    growth most_fd   (KiB; growth of RssAnon over the second half)")
    for life in lives:
        print(life.line())
        if not life.is_flat():
            faults.append(f"memory of life {life.number} grows by {life.growth:.0f} KiB in {life.seconds / 2:.0f} s")
    if not any(life.seconds >= LONG_S for life in lives):
        faults.append(f"no life of the server was as long as {LONG_S} s: nothing can be said about memory")
    for name, column, slack in (("descriptors", 5, SLACK), ("threads", 6, 0)):
        print(f"# {name}: {at_start[column]} before the first client, {at_end[column]} after the last")
        if at_end[column] > at_start[column] + slack:
            faults.append(f"{name}: {at_start[column]} at the start, {at_end[column]} at the end")
    return faults
