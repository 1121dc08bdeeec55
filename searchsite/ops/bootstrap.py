"""Finds a Python that fits and hands over to install.py.

Whatever `python3` is runs this file, so its syntax stays that of Python 2.7.
"""
# ruff: noqa: RUF005

import os
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 13)
OTHERS = ("python3.13", "python3.12", "python3.11", "python3")
PROBE = """
import sys
print("%d.%d" % sys.version_info[:2])
try:
    import venv, ensurepip
    print("venv")
except ImportError:
    pass
"""


def probe(python):
    """Version of a Python and whether it can make a virtual environment; None when it doesn't run."""
    try:
        with open(os.devnull, "w") as nothing:
            words = subprocess.check_output([python, "-I", "-c", PROBE], stderr=nothing).decode().split()
        version = tuple(int(number) for number in words[0].split("."))
    except (OSError, ValueError, IndexError, subprocess.CalledProcessError):
        return None
    return version, words[1:] == ["venv"]


def find_python():
    """The first Python that fits, or else the sentence that says what is wrong."""
    running = sys.version_info[:2]
    if not OLDEST <= running <= NEWEST:
        wrong = "this python3 is too %s (%d.%d)" % (("old" if running < OLDEST else "new",) + running)
    else:
        wrong = None
    for python in (sys.executable or "python3",) + OTHERS:
        found = probe(python)
        if found is None or not OLDEST <= found[0] <= NEWEST:
            continue
        if found[1]:
            return python, None
        package = "python%d.%d-venv" % found[0]
        wrong = "Python %d.%d has no venv and ensurepip; on Debian or Ubuntu, `apt install %s` adds them" % (
            found[0] + (package,)
        )
    return None, "searchsite needs Python 3.11, 3.12 or 3.13 with its venv module: %s." % wrong


def start():
    """Replace this process by install.py under the Python that was found."""
    python, wrong = find_python()
    if python is None:
        sys.stderr.write(wrong + "\n")
        sys.exit(1)
    install = os.path.join(os.path.dirname(os.path.abspath(__file__)), "install.py")
    os.execvp(python, [python, "-I", install] + sys.argv[1:])


if __name__ == "__main__":
    start()
