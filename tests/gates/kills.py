"""Kill a sync again and again, and take down what came of it."""

from gates import failpoints


class Kills:
    """What came of killing a sync again and again."""

    def __init__(self, staged):
        self.staged = staged
        self.points = 0
        self.stores = set()
        self.differences = []

    def kill(self, what, arm, *, every_time=True):
        """Let an armed child sync, then run again; False when the child came to its end.

        A store that is row by row one that was seen needs no second run to know what comes of it,
        unless `every_time`.
        """
        self.staged.set_back()
        end = failpoints.run(self.staged.sync, arm)
        if not end.was_killed:
            assert end.code == 0, end.told
            return False
        self.staged.come_to_rest()
        self.points += 1
        flaws = self.staged.flaws()
        state = self.staged.state()
        if every_time or state not in self.stores:
            self.stores.add(state)
            flaws += self.staged.run_again()
        self.differences += [f"killed {what}: {flaw}" for flaw in flaws]
        return True

    def tell(self, figures, what, **more):
        figures(
            "G1",
            what,
            points=self.points,
            stores=len(self.stores),
            differences=len(self.differences),
            **more,
        )


def counted(staged):
    """Count the operations of an undisturbed sync, by kind."""
    staged.set_back()
    end = failpoints.run(staged.sync, failpoints.counting(staged.folder))
    assert end.code == 0, end.told
    return end.points


def in_words(points):
    """Name each kind of operation with its number, as a figure."""
    return {f"{kind}s": points[kind] for kind in sorted(points)}
