"""What HTCondor says is read as hostile input: right, or told to be unclear."""

from __future__ import annotations

import itertools
import json
import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vispa_panel.errors import QueueUnclear
from vispa_panel.jobs.class_ads import job_from_ad, read_ads, words_of
from vispa_panel.jobs.event_log import EventReader, after
from vispa_panel.jobs.holds import hold_in_words
from vispa_panel.jobs.htcondor import chosen
from vispa_panel.jobs.htcondor_pool import pool_view, waiting_in_words
from vispa_panel.jobs.queue import JobInfo, JobState

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
AD = {"ClusterId": 7, "ProcId": 0, "JobStatus": 2}
JOB = JobInfo(id="12.3", cluster=12, proc=3, state=JobState.WAITING)
LOG = b"""000 (012.003.000) 2026-11-24 13:02:03 Job submitted from host: <10.77.0.12:9618?addrs=x>
...
001 (012.003.000) 2026-11-24 13:02:03 Job executing on host: <10.77.0.22:9618?addrs=x>
\tSlotName: slot1_1@w2.pool.test
\tCpus = 1
...
006 (012.003.000) 2026-11-24 13:02:04 Image size of job updated: 5268
\t4  -  MemoryUsage of job (MB)
\t3432  -  ResidentSetSize of job (KB)
...
012 (012.003.000) 11/24 13:02:05 Job was held.
\tError from slot1_1@w2.pool.test: it is gone
\tCode 6 Subcode 2
...
013 (012.003.000) 2026-11-24 13:02:05 Job was released.
\tvia condor_release (by user alice)
...
005 (012.003.000) 2026-11-24 13:02:06 Job terminated.
\t(0) Abnormal termination (signal 9)
\t(0) No core file
...
"""


def test_an_event_log_tells_every_change_of_state_in_its_order() -> None:
    events = EventReader().feed(LOG)

    states = [event.state for event in events if event.state]
    assert [str(state) for state in states] == [
        *("waiting", "running", "held", "waiting", "finished"),
    ]
    assert events[1].host == "w2.pool.test"
    assert events[2].memory == 4
    assert (events[3].hold_code, events[3].hold_subcode) == (6, 2)
    assert events[3].reason == "Error from slot1_1@w2.pool.test: it is gone"
    assert events[-1].exit_code == -9
    assert events[-1].job == "12.3"


@given(cuts=st.lists(st.integers(0, len(LOG)), max_size=8))
def test_the_pieces_in_which_a_log_comes_do_not_matter(cuts: list[int]) -> None:
    reader = EventReader()
    places = [0, *sorted(cuts), len(LOG)]

    events = [
        event for start, end in itertools.pairwise(places) for event in reader.feed(LOG[start:end])
    ]

    assert events == EventReader().feed(LOG)


@given(data=st.binary(max_size=300))
def test_garbage_in_a_log_is_passed_over(data: bytes) -> None:
    reader = EventReader()
    reader.feed(data)

    assert reader.feed(b"\n...\n" + LOG)[-1].exit_code == -9


def test_a_log_without_line_ends_takes_no_memory_and_no_time() -> None:
    reader = EventReader()
    start = time.perf_counter()

    for _ in range(300):
        reader.feed(b"x" * (1 << 16))

    assert time.perf_counter() - start < 2
    assert len(reader._rest) < 10_000


def test_after_its_end_a_job_changes_no_more() -> None:
    *_, end = EventReader().feed(LOG)
    ended = after(JOB, end, 5.0)

    again = after(ended, EventReader().feed(LOG)[1], 6.0)

    assert (ended.state, ended.ended, ended.exit_code) == (JobState.FINISHED, 5.0, -9)
    assert again == ended


@pytest.mark.parametrize(
    "data",
    [b"{", b"[", b"[{}", b'[{"a": 1},', b"[1]", b"garbage", b'[{"a": 1}] x', b"[" * 100_000, b"{}"],
)
def test_a_cut_or_garbled_answer_is_unclear(data: bytes) -> None:
    with pytest.raises(QueueUnclear):
        list(read_ads(data))


@pytest.mark.parametrize("data", [b"", b"\n", b"[\n]\n", b"[]"])
def test_an_empty_answer_is_no_jobs(data: bytes) -> None:
    assert list(read_ads(data)) == []


@given(cut=st.integers(1, 200))
def test_a_whole_answer_is_read_and_a_shorter_one_never_taken_for_it(cut: int) -> None:
    data = json.dumps([AD, AD | {"ProcId": 1}], indent=1).encode()
    assert [job_from_ad(ad).id for ad in read_ads(data)] == ["7.0", "7.1"]

    with pytest.raises(QueueUnclear):
        list(read_ads(data[: max(1, len(data) - cut)]))


@given(ad=st.dictionaries(st.sampled_from(["JobStatus", "ExitCode", "QDate", "Cmd", "Iwd"]), JSON))
def test_a_job_s_ad_of_any_kind_gives_a_job(ad: dict[str, object]) -> None:
    job = job_from_ad(ad | {"ClusterId": 7, "ProcId": 0})

    assert job.id == "7.0"


@given(ad=st.dictionaries(st.sampled_from(["ClusterId", "ProcId", "x"]), JSON | st.none()))
def test_a_job_without_a_number_is_unclear(ad: dict[str, object]) -> None:
    ad.pop("ProcId", None)

    with pytest.raises(QueueUnclear):
        job_from_ad(ad)


def test_what_no_one_said_is_unknown_and_an_end_without_code_has_none() -> None:
    assert job_from_ad(AD | {"JobStatus": 99}).state is JobState.UNKNOWN
    assert job_from_ad(AD | {"JobStatus": True}).state is JobState.UNKNOWN
    ended = job_from_ad(AD | {"JobStatus": 4})
    assert ended.exit_code is None
    assert not ended.failed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("a b", ["a", "b"]),
        ("-c echo' 'it''s", ["-c", "echo its"]),
        ("'it''s' ''", ["it's", ""]),
        ("''''", ["'"]),
        ("a'b c'd", ["ab cd"]),
        ("", []),
    ],
)
def test_an_ad_s_arguments_are_shown_as_words(arguments: str, words: list[str]) -> None:
    assert list(words_of(arguments)) == words


def test_jobs_are_chosen_by_ranges_and_nothing_but_numbers_gets_into_a_constraint() -> None:
    told = chosen(["3.1", "3.0", "3.2", "3.7", "4.0"])

    assert told.count("ClusterId") == 3
    assert len(chosen(f"9.{proc}" for proc in range(10_000))) < 100
    for bad in ("1 || true", "a.b", "1", '1.0" || "'):
        with pytest.raises(Exception, match="no job"):
            chosen([bad])


@pytest.mark.parametrize(
    ("code", "subcode", "said"),
    [
        (1, 0, "You put it on hold."),
        (6, 2, "The program is not there."),
        (34, 0, "more memory than it asked for"),
        (13, 28, "disk or your quota is full"),
        (999, 0, "It is on hold."),
    ],
)
def test_a_hold_is_told_with_its_cure(code: int, subcode: int, said: str) -> None:
    job = JobInfo(
        id="1.0", cluster=1, proc=0, state=JobState.HELD, hold_code=code, hold_subcode=subcode
    )

    advice = hold_in_words(job)

    assert said in advice.sentence
    assert advice.cure


@given(data=st.binary(max_size=200))
def test_a_garbled_pool_gives_a_sentence_or_is_unclear(data: bytes) -> None:
    try:
        view = pool_view(data, b"", data, shlex.quote("alice"))
    except QueueUnclear:
        view = pool_view(b"", b"", data, "alice")

    assert waiting_in_words(JOB, data, view).sentence
