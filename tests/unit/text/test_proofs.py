"""What became of an edit, from what came back: ours before, after and among keys, whole, in pieces, in part, astray."""

import random

import pytest

from copydesk.text.edits import Edit, apply, rebase
from copydesk.text.proofs import Change, Explanation, Rewritten, explain, refined

SENT = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
ONE, TWO = SENT.index("1\n"), SENT.index("2\n")
OURS = (Edit(ONE, ONE + 1, "first + 1"), Edit(TWO, TWO + 1, "second + 2"))


def after(text: str, *changes: Change) -> str:
    for change in changes:
        text = apply(text, change.edits if isinstance(change, Rewritten) else (change,))
    return text


def explained(*changes: Change, ours: tuple[Edit, ...] = OURS, sent: str = SENT, claimed: bool = True) -> Explanation:
    now = after(sent, *changes)
    found = explain(sent, ours, changes, now, claimed=claimed)
    if found.kind in ("applied", "partial"):
        assert apply(apply(apply(sent, found.typed_before), found.ours), found.typed_after) == now
    if found.kind == "absent":
        assert apply(sent, found.typed_before) == now
    return found


def typed(at: int, text: str = "x") -> Edit:
    return Edit(at, at, text)


def test_nothing_came() -> None:
    assert explained().kind == "absent"


@pytest.mark.parametrize("order", ["reversed", "ascending", "one change", "whole text", "pieces", "lines"])
def test_ours_alone_however_it_is_told(order: str) -> None:
    first, second = OURS
    made = apply(SENT, OURS)
    told: dict[str, tuple[Change, ...]] = {
        "reversed": (second, first),
        "ascending": (first, Edit(second.start + first.delta, second.end + first.delta, second.text)),
        "one change": (Edit(ONE, TWO + 1, made[ONE : TWO + 1 + first.delta + second.delta]),),
        "whole text": (Rewritten((Edit(ONE, TWO + 1, made[ONE : TWO + 1 + first.delta + second.delta]),)),),
        "pieces": (Edit(TWO, TWO + 1, ""), typed(TWO, "second"), typed(TWO + 6, " + 2"), first),
        "lines": (
            Edit(TWO - 11, TWO + 2, "    return second + 2\n"),
            Edit(ONE - 11, ONE + 2, "    return first + 1\n"),
        ),
    }
    found = explained(*told[order])
    assert (found.kind, found.n_landed, found.typed_before, found.typed_after) == ("applied", 2, (), ())


def test_keys_before_and_after() -> None:
    keys, (first, second) = typed(0, "# hi\n"), OURS
    moved = [Edit(edit.start + 5, edit.end + 5, edit.text) for edit in (second, first)]
    found = explained(keys, *moved, typed(3, "!"))
    assert found == Explanation("applied", (keys,), tuple(reversed(moved)), (typed(3, "!"),), 2)


def test_keys_between_our_own_changes() -> None:
    first, second = OURS
    found = explained(second, typed(0, "k"), Edit(first.start + 1, first.end + 1, first.text))
    assert found.kind == "applied"
    assert found.ours == OURS
    assert found.typed_after == (typed(0, "k"),)


@pytest.mark.parametrize("inside", ["first ++ 1", "first + 1 + x", "x first + 1"])
def test_keys_in_our_fresh_text(inside: str) -> None:
    separately = explained(OURS[1], OURS[0], typed(ONE + 3, "k"))
    assert separately.kind == "applied"
    merged = after(SENT, OURS[1], Edit(ONE, ONE + 1, inside))
    assert explained(Edit(ONE, TWO + 1, merged[ONE : len(merged) - 1])).kind == "applied"


def test_only_typing_is_absent() -> None:
    assert explained(typed(0, "# hi\n"), typed(5)).kind == "absent"
    assert explained(Edit(ONE, ONE + 1, "1000")).kind == "absent", "typed over, and ours is not there"
    assert explained(Rewritten((typed(0, "# hi\n"),))).kind == "absent"


def test_the_same_line_typed_elsewhere_is_not_ours() -> None:
    """Three equal lines; the person puts a fourth on top while we put one at the end. The texts are the same."""
    sent = "a\na\na\n"
    assert explained(typed(0, "a\n"), ours=(typed(6, "a\n"),), sent=sent).kind == "absent"
    assert explained(typed(6, "a\n"), ours=(typed(6, "a\n"),), sent=sent).kind == "applied"
    assert explained(typed(5, "\na"), ours=(typed(6, "a\n"),), sent=sent).kind == "applied", "said by another place"


def test_an_edit_of_equal_lines_with_another_on_top() -> None:
    sent = "a\na\na\n"
    assert explained(typed(0, "a\n"), Edit(6, 7, "b"), ours=(Edit(4, 5, "b"),), sent=sent).kind == "applied"
    assert explained(typed(0, "a\n"), Edit(4, 5, "b"), ours=(Edit(4, 5, "b"),), sent=sent).kind == "unknown"


def test_a_part_only() -> None:
    found = explained(OURS[1], typed(0))
    assert (found.kind, found.n_landed, found.ours) == ("partial", 1, (OURS[1],))
    assert explained(Rewritten((OURS[0],))).kind == "partial"


def test_stale_ranges_on_newer_text() -> None:
    """The client checked the version, then a key came, then it applied the old ranges."""
    found = explained(typed(0, "# hi\n"), OURS[1], OURS[0])
    assert found.kind == "unknown"
    assert "wrong place" in found.why or "not where" in found.why


def test_twice() -> None:
    insertion = (typed(ONE, "more + "),)
    assert explained(*insertion, *insertion, ours=insertion).kind == "unknown"
    merged = Edit(ONE, ONE, "more + more + ")
    assert explained(merged, ours=insertion).kind == "unknown"
    assert explained(Rewritten((merged,)), ours=insertion).kind == "unknown"


@pytest.mark.parametrize(
    ("sent", "hunk", "came"),
    [
        ("one\nsame\ntwo\n", Edit(4, 8, "new text"), "kone\nnew textme\ntwo\n"),
        ("one\nxx same\ntwo\n", Edit(7, 11, "new text"), "kone\n sanew text\ntwo\n"),
        ("one\nsame\n\ntwo\n", Edit(4, 8, "new text"), "on\nnew textk\nsame\n\ntwo\n"),
        ("one\r\nsame\r\n\r\ntwo\r\n", Edit(5, 9, "new text"), "on\r\nnew textk\r\nsame\r\n\r\ntwo\r\n"),
        ("one\n\n\ntwo\n", Edit(5, 5, "new text"), "kone\nnew text\nk\ntwo\n"),
    ],
    ids=["the end is left", "the beginning is left", "all is left below", "all is left below, CRLF", "an equal line"],
)
def test_old_ranges_in_one_change_with_the_keys_they_did_not_know_of(sent: str, hunk: Edit, came: str) -> None:
    """A version of 0 is checked by no Neovim 0.10. What was to be replaced then stays beside ours, or a part of it."""
    ends = len(came) - 1
    found = explained(Edit(0, len(sent) - 1, came[:ends]), ours=(hunk,), sent=sent)
    assert found.kind == "unknown"


def test_less_was_typed_if_ours_is_astray() -> None:
    """A line above was deleted, and the old range is one line too low among equal lines."""
    sent = "  other\n  other\nsame\nsame\nsame\n"
    hunk, came = typed(sent.index("same\nsame\n") + 5, "put this\n"), "  other\name\nsamek\nput this\nsame\nk"
    assert explained(Edit(0, len(sent) - 1, came), ours=(hunk,), sent=sent).kind == "unknown"


def test_old_ranges_that_are_told_shorter_than_they_were() -> None:
    """Neovim leaves out what is equal at the ends."""
    sent = "one\nsame\nsame\ntwo\n"
    astray = Edit(5, 8, "some other lin")
    assert explained(Edit(0, 4, ""), astray, ours=(Edit(4, 8, "some other line"),), sent=sent).kind == "unknown"


def test_an_end_of_ours_is_left_where_typing_took_the_rest_in_the_same_change() -> None:
    sent = "one\ntwo\nthree\n"
    ours = (typed(4, "a line\n"),)
    assert explained(Edit(2, 4, "ine\n"), ours=ours, sent=sent).kind == "unknown"
    assert explained(Edit(2, 4, "k"), ours=ours, sent=sent).kind == "absent"


def test_keys_beside_ours_in_one_change() -> None:
    sent, hunk = "one\nsame\ntwo\n", Edit(4, 8, "new text")
    for line in ("new text!", "k new text", "new text and more", "new text\nsome other line"):
        found = explained(Edit(0, len(sent) - 1, f"kone\n{line}\ntwo"), ours=(hunk,), sent=sent)
        assert found.kind == "applied", line


def test_taken_back() -> None:
    undo = (Edit(ONE, ONE + 9, "1"), Edit(TWO, TWO + 10, "2"))
    assert explained(OURS[1], OURS[0], *undo).kind == "undone"
    assert explained(OURS[1], OURS[0], *undo, typed(0)).kind == "undone"
    assert explained(OURS[1], OURS[0], *undo, OURS[1], OURS[0]).kind == "applied", "and done again"


def test_what_a_client_mangled() -> None:
    found = explained(Edit(ONE, TWO + 1, "first + 1\n\n\ndef mangled():\n    return second +"))
    assert found.kind in ("partial", "unknown")


def test_deletions() -> None:
    ours = (Edit(0, ONE + 4, ""),)
    assert explained(ours[0], ours=ours).kind == "applied"
    assert explained(typed(len(SENT)), ours[0], ours=ours).kind == "applied"
    assert explained(Edit(0, 5, ""), ours=ours).kind == "absent"
    assert explained(Edit(TWO, TWO + 1, ""), ours=ours).kind == "absent"


def test_changes_that_do_not_lead_to_the_text() -> None:
    assert explain(SENT, OURS, (typed(0),), "something else").kind == "unknown"


def test_texts_alone() -> None:
    assert explain(SENT, OURS, None, apply(SENT, OURS)).kind == "applied"
    assert explain(SENT, OURS, None, SENT).kind == "absent"
    assert explain(SENT, OURS, None, "# typed\n" + apply(SENT, OURS)).kind == "applied"
    assert explain(SENT, OURS, None, "# typed\n" + SENT).kind == "absent"


def test_many_keys_are_fast() -> None:
    keys = [typed(n, "k") for n in range(2_000)]
    moved = [Edit(edit.start + 2_000, edit.end + 2_000, edit.text) for edit in reversed(OURS)]
    assert explained(*keys, *moved).kind == "applied"


@pytest.mark.parametrize("seed", range(300))
def test_ours_among_random_keys(seed: int) -> None:
    """Exactly told, ours is found wherever it comes, and never where it did not come."""
    chance = random.Random(seed)
    sent = "".join(chance.choice(("a\n", "b\n", "\n", "a b\n")) for _ in range(8))
    places = sorted(chance.sample(range(len(sent) + 1), 3))
    ours = (Edit(places[0], places[1], "our text"), typed(places[2], "our line\n"))[: chance.choice((1, 2))]
    changes: list[Change] = []
    text, left, comes_at = sent, ours, chance.choice((None, 0, 2, 4))
    for number in range(5):
        if number == comes_at:
            changes += reversed(left)
            text, left = apply(text, left), ()
        at = chance.randint(0, len(text))
        key = typed(at, chr(0x4E00 + number))
        moved = rebase(left, (key,))
        if moved.conflicts:
            continue
        changes.append(key)
        text, left = apply(text, (key,)), moved.edits
    found = explain(sent, ours, tuple(changes), text)
    assert found.kind == ("absent" if comes_at is None else "applied")


def test_refining() -> None:
    text = "one\ntwo\nthree\n"
    assert refined(text, (Edit(0, 13, "one!\ntwo\nthree?"),)) == (Edit(3, 3, "!"), Edit(13, 13, "?"))
    assert refined(text, (Edit(0, 3, "five"),)) == (Edit(0, 3, "five"),)
    assert refined(text, (Edit(4, 7, "2 two"),), within_lines=True) == (Edit(4, 4, "2 "),)
