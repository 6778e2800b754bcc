"""What a child sees of our environment: what it needs, and no keys."""

from copydesk.processes.environment import minimal_env


def test_keys_and_unknown_names_do_not_pass():
    source = {
        "PATH": "/bin",
        "OPENAI_API_KEY": "sk-1",
        "LC_ALL": "C",
        "PYTHONPATH": "/x",
        "HOME": "/h",
        "AWS_PROFILE": "p",
    }
    assert minimal_env(source=source) == {"PATH": "/bin", "LC_ALL": "C", "HOME": "/h"}


def test_what_is_given_extra_wins():
    assert minimal_env({"PATH": "/mine", "A": "1"}, source={"PATH": "/bin"}) == {"PATH": "/mine", "A": "1"}
