"""The tool that tools.py runs a hundred times at once."""

import time


def nap(call: int) -> int:
    """Take as long as a quick request does."""
    time.sleep(0.05)
    return call
