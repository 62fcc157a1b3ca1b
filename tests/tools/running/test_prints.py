from __future__ import annotations

import io
import logging
import sys
import threading
import tracemalloc
import weakref

import pytest

from callscope.tools.running.prints import Prints, printing_into


def test_what_is_printed_is_caught_and_nobody_else_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    with printing_into(Prints()) as prints:
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.writelines(["a", "b\n"])
        sys.stdout.buffer.write("bytes ü\n".encode())
    assert prints.text == "out\nerr\nab\nbytes ü\n"
    assert capsys.readouterr() == ("", "")


def test_the_program_prints_on_while_a_tool_runs(capsys: pytest.CaptureFixture[str]) -> None:
    inside, leave = threading.Event(), threading.Event()
    prints = Prints()

    def tool() -> None:
        with printing_into(prints):
            inside.set()
            leave.wait(10)
            print("from the tool")

    thread = threading.Thread(target=tool)
    thread.start()
    inside.wait(10)
    print("from the program")
    leave.set()
    thread.join(10)
    assert (prints.text, capsys.readouterr().out) == ("from the tool\n", "from the program\n")


def test_threads_that_print_at_once_keep_their_prints_apart() -> None:
    barrier = threading.Barrier(8, timeout=10)
    caught: dict[int, str] = {}

    def tool(number: int) -> None:
        with printing_into(Prints()) as prints:
            for _ in range(50):
                barrier.wait()
                print(number)
        caught[number] = prints.text

    threads = [threading.Thread(target=tool, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert caught == {number: f"{number}\n" * 50 for number in range(8)}


def test_the_real_streams_are_back_when_no_tool_runs() -> None:
    before = (sys.stdout, sys.stderr, sys.stdin)
    with printing_into(Prints()), printing_into(Prints()):
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr, sys.stdin) == before


def test_a_stream_that_somebody_else_put_in_place_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    with printing_into(Prints()):
        sys.stdout = theirs
    assert sys.stdout is theirs


def test_a_door_kept_by_somebody_leads_to_the_real_stream_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    real = io.StringIO()
    monkeypatch.setattr(sys, "stdout", real)
    with printing_into(Prints()):
        kept = sys.stdout
    print("late", file=kept)
    assert (real.getvalue(), kept.isatty()) == ("late\n", False)


def test_a_tool_has_no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("the person's words\n"))
    with printing_into(Prints()), pytest.raises(EOFError):
        input()
    with printing_into(Prints()):
        assert (sys.stdin.read(), list(sys.stdin)) == ("", [])
    assert sys.stdin.read() == "the person's words\n"


def test_logging_set_up_in_a_tool_is_caught() -> None:
    logger = logging.Logger("tool")
    with printing_into(Prints()) as prints:
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        logger.warning("careful")
    assert prints.text == "careful\n"


def test_a_flood_of_prints_is_cut_and_says_so() -> None:
    prints = Prints(limit=10)
    for _ in range(5):
        print("12345678", end="", file=prints)
    assert prints.text == "1234567812\n[… 30 more characters were printed]"


def test_what_stands_in_for_stdout_outlives_the_tool_because_a_thread_may_be_printing_to_it() -> None:
    with printing_into(Prints()):
        stand_in = weakref.ref(sys.stdout)
    assert stand_in() is not None
    with printing_into(Prints()):
        assert sys.stdout is stand_in()


def test_what_is_printed_for_ever_takes_no_more_memory() -> None:
    prints = Prints(4)
    prints.write("1234")
    tracemalloc.start()
    try:
        for _ in range(100_000):
            prints.write("x")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000
    assert prints.text == "1234\n[… 100,000 more characters were printed]"
