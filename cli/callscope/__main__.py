"""The way in. Answers `--version` as a constant, before anything else is imported."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        from callscope.version import VERSION

        sys.stdout.write(f"callscope {VERSION}\n")
        return
    try:
        from callscope.app import run

        run(sys.argv[1:])
    except KeyboardInterrupt:  # while we were still being imported
        sys.exit(130)


if __name__ == "__main__":
    main()
