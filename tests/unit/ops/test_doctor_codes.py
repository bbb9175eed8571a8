"""Every code that the doctor can print stands in docs/doctor.md, and no other does."""

import re
from pathlib import Path

from balintmail import ops
from balintmail.ops.doctor.providers import Readers, findings

ROOM = Path(ops.__path__[0])
PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"
_MADE = re.compile(
    r"\b(?:good|note|warn|stop|unasked|Finding|_broken|_not_known)\)?\(\s*(?:Level\.\w+, )?\"([a-z_0-9]+)\""
    r"|\)\(\"([a-z_0-9]+)\", "
)
_OF_DKIM = re.compile(r'"([a-z_]{2,})", (?:f?"|message|f\'|view, )|Level\.(?:STOP|WARN|NOTE), "([a-z_]+)"')


def test_every_code_of_the_doctor_is_documented_and_no_other() -> None:
    made = set()
    for file in (ROOM / "doctor").glob("*.py"):
        made |= {one or other for one, other in _MADE.findall(file.read_text("utf-8"))}
    made |= {f"relay_{word}" for word in ("pipelining", "dsn", "smtputf8")}
    made |= {one.code for one in findings([], Readers(0, 0, 0), url="")}  # those that end in _unknown
    sources = [ROOM / "dkim.py", ROOM.parent / "sending" / "dkim_record.py"]
    of_dkim = {one or other for file in sources for one, other in _OF_DKIM.findall(file.read_text("utf-8"))}
    made |= {f"dkim_{word}" for word in of_dkim - {"not_aligned"}}  # the doctor walks the tree for that
    text = PAGE.read_text("utf-8").partition("| codes | about |")[2]
    documented = {
        code
        for line in text.splitlines()
        for code in re.findall(r"`(\w+)`", line.partition("| ")[2].partition(" |")[0])
    }
    assert made - documented == set()
    assert documented - made - {"settings", "database", "system"} == set()
