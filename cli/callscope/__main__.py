"""The way in. Answers `--version` as a constant, before anything else is imported."""

import gc
import sys
from contextlib import suppress

FEW_COLLECTIONS = (100_000, 10, 10)
"""Importing makes many objects and no garbage, and Python would look through them all, again and again: 12 % of the
time to the first prompt. https://docs.python.org/3/library/gc.html#gc.set_threshold"""


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"] and sys.stdout:
        from callscope.version import VERSION

        with suppress(OSError):  # told below, as for all other output
            sys.stdout.write(f"callscope {VERSION}\n")
            sys.stdout.flush()
            return
    gc.set_threshold(*FEW_COLLECTIONS)
    try:
        from callscope.app.app import run

        run(sys.argv[1:])
    except KeyboardInterrupt:  # while we were still being imported
        sys.exit(130)


if __name__ == "__main__":
    main()
