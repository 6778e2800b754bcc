"""What "always" wrote: private, whole, shared by two servers, and never believed where it could be another's."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from copydesk.store.grants import Grants
from copydesk.store.shared_pages import PageError, SharedPage
from copydesk.store.trust import TrustStore

AT = "2026-01-02T03:04:05Z"


def grants(tmp_path: Path) -> Grants:
    return Grants(tmp_path / "grants", lambda: AT)


def rules(kept: Grants, path: Path) -> list[str]:
    return [grant.rule for grant in kept.read(str(path))]


def page_of(tmp_path: Path) -> Path:
    (page,) = (tmp_path / "grants").glob("*.json")
    return page


def test_it_outlives_the_object_and_is_the_owners_alone(tmp_path: Path) -> None:
    kept = grants(tmp_path)
    kept.add(str(tmp_path), ["Bash(pytest -q)", "Bash(make)"])
    kept.add(str(tmp_path), ["Bash(make)", "Bash(ls)"])
    assert rules(grants(tmp_path), tmp_path) == ["Bash(pytest -q)", "Bash(make)", "Bash(ls)"]
    if os.name != "nt":
        assert stat.S_IMODE(page_of(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE(page_of(tmp_path).parent.stat().st_mode) == 0o700
    assert [each.name for each in page_of(tmp_path).parent.iterdir() if each.name[0] != "."] == [page_of(tmp_path).name]


def test_a_folder_has_one_name(tmp_path: Path) -> None:
    real, link, other = tmp_path / "real", tmp_path / "link", tmp_path / "other"
    real.mkdir()
    other.mkdir()
    link.symlink_to(real)
    kept = grants(tmp_path)
    kept.add(str(link), ["Bash(ls)"])
    assert rules(kept, real) == ["Bash(ls)"]
    assert rules(kept, other) == []
    link.unlink()
    link.symlink_to(other)
    assert rules(kept, link) == [], "a link that leads elsewhere is another folder"


def test_forgetting(tmp_path: Path) -> None:
    kept = grants(tmp_path)
    kept.add(str(tmp_path), ["a", "b", "c"])
    kept.remove(str(tmp_path), ["b"])
    assert rules(kept, tmp_path) == ["a", "c"]
    kept.remove(str(tmp_path))
    assert rules(kept, tmp_path) == []


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "[" * 100_000, "\xff\xfe", '{"folder": "/elsewhere", "rules": []}'])
def test_what_cannot_be_read_counts_for_nothing_and_is_not_lost(tmp_path: Path, text: str) -> None:
    kept = grants(tmp_path)
    kept.add(str(tmp_path), ["a"])
    page = page_of(tmp_path)
    page.write_bytes(text.encode("latin-1"))
    with pytest.raises(PageError, match=page.name):
        kept.read(str(tmp_path))
    with pytest.raises(PageError, match=page.name):
        kept.add(str(tmp_path), ["b"])
    assert page.read_bytes() == text.encode("latin-1")
    kept.remove(str(tmp_path))
    kept.add(str(tmp_path), ["b"])
    assert rules(kept, tmp_path) == ["b"]


def test_odd_entries_are_passed_over(tmp_path: Path) -> None:
    kept = grants(tmp_path)
    kept.add(str(tmp_path), ["a"])
    page = page_of(tmp_path)
    data = json.loads(page.read_text())
    data["rules"] += [None, 3, {"rule": 4}, {"rule": ""}, {"rule": "b", "at": 5}]
    page.write_text(json.dumps(data))
    assert rules(kept, tmp_path) == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="permission bits are POSIX's")
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_may_write_decides_nothing(tmp_path: Path, mode: int) -> None:
    kept = grants(tmp_path)
    kept.add(str(tmp_path), ["a"])
    page_of(tmp_path).chmod(mode)
    with pytest.raises(PageError, match="other accounts"):
        kept.read(str(tmp_path))


def test_two_servers_lose_nothing_of_each_other(tmp_path: Path) -> None:
    def add(name: str) -> None:
        kept = grants(tmp_path)
        for number in range(20):
            kept.add(str(tmp_path), [f"{name}{number}"])

    threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rules(grants(tmp_path), tmp_path)) == 60


def test_a_lock_that_is_kept_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk.store.shared_pages.LOCK_LIMIT_S", 0.05)
    page = SharedPage(tmp_path / "page.json", "it")
    with page._locked(), pytest.raises(PageError, match="another Copydesk server"):
        page.change(lambda old: {**old, "a": 1})
    assert page.change(lambda old: {**old, "a": 1}) == {"a": 1}


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "grants").write_text("a file in the way")
    with pytest.raises(PageError, match="cannot be written"):
        grants(tmp_path).add(str(tmp_path), ["a"])


def test_trust_is_kept_by_folder_and_can_be_taken_back(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "trust.json", lambda: AT)
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    assert store.read(one) is None
    store.write(one, True)
    store.write(other, False)
    again = TrustStore(tmp_path / "trust.json", lambda: AT)
    assert (again.read(one), again.read(other), again.read(str(tmp_path))) == (True, False, None)
    again.write(one, None)
    assert (store.read(one), store.read(other)) == (None, False)
