"""What a person reads of an error, and the name that a program knows it by."""

import pytest

from copydesk.domain import errors
from copydesk.domain.errors import BadRequest, CopydeskError, ModelTimeout, kind_of
from copydesk.egress.failures import NoConnectionInTime, NothingListens, StaleConnection


@pytest.mark.parametrize(
    ("message", "advice", "read"),
    [
        ("It said: bad thing", "Try again.", "It said: bad thing. Try again."),
        ("It is over.", "Try again.", "It is over. Try again."),
        ("Really?", "Try again.", "Really? Try again."),
        ("The models:\n- a\n", "Mend one.", "The models:\n- a\n Mend one."),
        ("It said: bad thing", "", "It said: bad thing"),
        ("", "Try again.", "Try again."),
    ],
)
def test_message_and_advice_are_two_sentences(message: str, advice: str, read: str) -> None:
    assert str(BadRequest(message, advice=advice)) == read


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StaleConnection("x"), "ConnectionLost"),
        (NothingListens("x"), "ConnectionLost"),
        (NoConnectionInTime("x"), "ModelTimeout"),
        (ModelTimeout("x"), "ModelTimeout"),
        (CopydeskError("x"), "CopydeskError"),
    ],
)
def test_a_kind_is_a_name_of_the_tree(error: CopydeskError, kind: str) -> None:
    assert kind_of(error) == kind
    assert hasattr(errors, kind_of(error))
