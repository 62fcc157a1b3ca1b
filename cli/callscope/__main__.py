"""The way in. Answers `--version` as a constant, before anything else is imported."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        from callscope.version import VERSION

        sys.stdout.write(f"callscope {VERSION}\n")
        return
    from callscope.app import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
