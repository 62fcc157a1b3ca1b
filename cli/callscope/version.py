"""The program's version, alone in its file so that `--version` and the build read it without importing anything."""

VERSION = "0.1.0"
