"""Whether a process may still be there: what it left is only taken away when it surely is not."""

import os
import subprocess
import sys

from copydesk.processes.living import may_be_alive


def test_one_that_runs_may_and_one_that_has_ended_may_not():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert may_be_alive(child.pid)
    child.communicate()
    assert may_be_alive(child.pid) is (os.name == "nt")


def test_where_the_system_cannot_say_it_may():
    assert may_be_alive(os.getpid())
    assert may_be_alive(1)
    assert may_be_alive(10**30)
