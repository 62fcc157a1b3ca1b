"""What the commands that look have to look at: bounded, however long a session goes on."""

from __future__ import annotations

from callscope.core.events import Rewound
from callscope.looking.exchanges import MOST_EXCHANGES
from callscope.looking.tokens import MOST_ROWS
from callscope.looking.witness import Witness
from playbook import Playbook, calls, text

TURNS = 60


def test_only_the_conversation_itself_grows_over_many_turns() -> None:
    answers = [answer for _ in range(TURNS) for answer in (calls(("get_weather", "{}")), text("."))]
    play, witness = Playbook(*answers), Witness()
    play.session.sinks.append(witness)
    play.play(*["Weather?"] * TURNS)
    assert len(witness.exchanges.numbers()) == MOST_EXCHANGES
    assert len(witness.tokens.rows) == MOST_ROWS
    assert len(witness.timing.exchanges) == 2
    assert len(witness.trace.exchanges) == 2
    assert len(witness.ledger.exchanges) == 2 * TURNS
    play.session.emit(Rewound(0))
    assert not witness.ledger.exchanges
    assert not witness.ledger.calls
