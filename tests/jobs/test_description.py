"""Whatever is written arrives as it was written, or is refused: never as something else."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.testpool import HERE
from vispa_panel.errors import JobRefused
from vispa_panel.jobs.description import plain, write_description
from vispa_panel.jobs.request import JobRequest, Point, request_as_json, request_from_json

if TYPE_CHECKING:
    from tests.support.testpool import TestPool

NASTY = st.sampled_from(
    [
        *(
            "$(X)",
            "$ENV(HOME)",
            "$$(Cpus)",
            "$$([1+1])",
            "$",
            "$$",
            "(",
            "$(",
            "\\",
            "\\\\",
            "'",
            "''",
        ),
        *(
            '"',
            '""',
            "'\"'",
            " ",
            "  ",
            "\t",
            "\n",
            "\r\n",
            "\x00",
            "\x1f",
            "#",
            "=",
            ",",
            ";",
            ")",
        ),
        *(
            "queue 5",
            "+Owner = root",
            "include : x|",
            "é",
            "\u2028",
            "\x85",
            "🦊",
            "-x",
            "--",
            "`id`",
        ),
        *("\\\n", "\ud800", "%", "!", "*", "&&", "|", "<", ">", "~", "{a}", "\ufeff", "\xa0"),
    ]
)
UNHURRIED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much)
VALUE = st.lists(NASTY | st.text(max_size=4), max_size=5).map("".join)
BASE = JobRequest(argv=("/bin/echo",), folder="/home/alice/dry")


def decoded(arguments: str) -> list[str]:
    """HTCondor's new syntax read by other code than the writer's, as its manual tells it."""
    words: list[str] = []
    at, word, begun, inside = 0, "", False, False
    while at < len(arguments):
        letter = arguments[at]
        if letter == "'" and inside and arguments[at : at + 2] == "''":
            word, at = word + "'", at + 1
        elif letter == "'":
            inside, begun = not inside, True
        elif not inside and letter in " \t":
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + letter, True
        at += 1
    return [*words, word] if begun else words


def dry_run(text: str) -> list[str]:
    """Each job's arguments as ``condor_submit -dry-run`` says them, still in their quoting."""
    done = subprocess.run(
        [
            *(str(HERE / "pool.sh"), "as", "alice", "login"),
            "cat > dry.sub; condor_submit -dry-run - dry.sub",
        ],
        input=text.encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    lines = re.findall(rb"^(ProcId|Arguments)=(.*)$", done.stdout, re.MULTILINE)
    # The first job is told whole; of a later one, after its number, what differs from the first.
    first, found = "", list[str]()
    for name, value in lines:
        if name == b"ProcId":
            found.append(first)
            continue
        arguments = value[1:-1].replace(b'\\"', b'"').decode()
        if found:
            found[-1] = arguments
        else:
            first = arguments
    return found


def accepted(value: str) -> bool:
    try:
        plain(value, "value")
    except JobRefused:
        return False
    return True


@pytest.mark.pool
def test_5000_hostile_values_arrive_as_they_were_written_or_are_refused(pool: TestPool) -> None:
    values = hostile_values()
    good = [words for words in values if all(accepted(word) for word in words)]
    pool.run("alice", f"mkdir -p dry && cd dry && seq -f p_%g 0 {len(good)} | xargs mkdir -p")
    points = tuple(Point(f"p_{number}", ("/bin/echo", *one)) for number, one in enumerate(good))

    text = write_description(replace(BASE, points=points), records="/home/alice/jobs/x")

    for arrived, written in zip(dry_run(text), good, strict=True):
        assert decoded(arrived) == written
    assert len(values) == 5000
    assert 1000 < len(good) < 4900


def hostile_values() -> list[list[str]]:
    """What hypothesis thinks of, gathered so that one parser run reads all of it."""
    found: list[list[str]] = []

    @settings(
        max_examples=5000,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=UNHURRIED,
    )
    @given(st.lists(VALUE, min_size=1, max_size=3))
    def gather(words: list[str]) -> None:
        found.append(words)

    gather()
    return found


@pytest.mark.pool
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=UNHURRIED)
@given(words=st.lists(VALUE.filter(accepted), max_size=4))
def test_one_job_s_arguments_arrive_as_they_were_written(pool: TestPool, words: list[str]) -> None:
    request = replace(BASE, argv=("/bin/echo", *words), folder="/home/alice")

    text = write_description(request, records="/home/alice/jobs/x")

    assert [decoded(one) for one in dry_run(text)] == [words]


@settings(max_examples=400, deadline=None)
@given(value=VALUE)
def test_no_value_brings_a_line_of_its_own(value: str) -> None:
    plainly = write_description(BASE, records="/r").count("\n")
    for request in (
        replace(BASE, argv=("/bin/echo", value)),
        replace(BASE, environment=(("X", value),)),
        replace(BASE, name=value),
        replace(BASE, extra=(("requirements", value),)),
        replace(BASE, folder="/home/" + value),
        replace(BASE, before=value),
    ):
        try:
            text = write_description(request, records="/r")
        except JobRefused:
            continue

        assert len(text.splitlines()) <= plainly + 1


@pytest.mark.parametrize("name", ["queue", "Include", "executable", "a b", "x=1\ny", "", "use"])
def test_what_the_writer_sets_or_would_be_a_command_is_no_extra(name: str) -> None:
    with pytest.raises(JobRefused):
        write_description(replace(BASE, extra=((name, "1"),)), records="/r")


@pytest.mark.parametrize("folder", ["../x", "/etc", "a/../../b", "a b", "a,b", "", ".", "a//b"])
def test_a_job_s_folder_stays_below_the_request_s(folder: str) -> None:
    request = replace(BASE, points=(Point(folder, ("/bin/echo",)),))

    with pytest.raises(JobRefused):
        write_description(request, records="/r")


def test_a_kept_request_is_read_back_as_it_was() -> None:
    request = replace(
        BASE,
        points=(Point("a_1", ("/bin/echo", "1"), (("a", "1"),)),),
        memory=5,
        extra=(("+X", "1"),),
    )

    assert request_from_json(request_as_json(request)) == request


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_else_is_no_kept_request(data: bytes) -> None:
    with pytest.raises(JobRefused):
        request_from_json(data)


@pytest.mark.parametrize(
    "change",
    ['"cpus": "1"', '"argv": [1]', '"points": {"a": 1}', '"environment": [["a"]]', '"evil": 1'],
)
def test_a_kept_request_with_a_value_of_another_kind_is_refused(change: str) -> None:
    with pytest.raises(JobRefused):
        request_from_json(b'{"argv": ["a"], "folder": "/x", %s}' % change.encode())
