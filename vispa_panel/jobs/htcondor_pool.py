"""The pool as HTCondor's tools tell it: machines, queues, shares, and why a job waits."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from vispa_panel.jobs.class_ads import number, read_ads, text, whole
from vispa_panel.jobs.queue import Machine, PoolView, QueueOfUser, Share, Waiting

if TYPE_CHECKING:
    from vispa_panel.jobs.class_ads import Ad
    from vispa_panel.jobs.queue import JobInfo

_SLOT = (
    "Machine,SlotType,State,Cpus,Memory,GPUs,TotalSlotCpus,TotalSlotMemory,TotalSlotGPUs,LoadAvg,"
    "TotalLoadAvg"
)
_SHARE = (
    "Name IsAccountingGroup AccountingGroup Priority EffectiveQuota WeightedResourcesUsed"
    " WeightedAccumulatedUsage"
)
QUESTIONS = (
    f"condor_status -json -constraint 'SlotType =!= \"Dynamic\"' -attributes {_SLOT}",
    "condor_status -submitters -json -attributes Name,RunningJobs,IdleJobs,HeldJobs",
    f"condor_userprio -allusers -af:t {_SHARE}",
)
_HOUR = 3600.0
_FIELDS = 7

_REJECTED = re.compile(r"(\d+) (?:are|is) rejected by your job's requirements")
_TAKEN = re.compile(r"(\d+) match but are serving other users")
_FREE = re.compile(r"(\d+) are able to run your job")
_ALL = re.compile(r"Of (\d+) machines")
_UNMET = re.compile(r"^\[\d+\]\s+0\s+(.{1,200})$", re.MULTILINE)


def pool_view(machines: bytes, queues: bytes, shares: bytes, user: str) -> PoolView:
    """One picture of three answers; raises QueueUnclear."""
    found = _shares(shares)
    me, place = _place(found, user)
    return PoolView(
        machines=_machines(list(read_ads(machines))),
        queues=_queues(list(read_ads(queues))),
        shares=found,
        me=me,
        place=place,
        asked_at=time.time(),
    )


def _machines(ads: list[Ad]) -> tuple[Machine, ...]:
    slots: defaultdict[str, list[Ad]] = defaultdict(list)
    for ad in ads:
        slots[text(ad, "Machine")].append(ad)
    return tuple(_machine(name, slots[name]) for name in sorted(slots))


def _machine(name: str, slots: list[Ad]) -> Machine:
    def total(attribute: str) -> int:
        return sum(whole(ad, f"TotalSlot{attribute}") or whole(ad, attribute) or 0 for ad in slots)

    def free(attribute: str) -> int:
        return sum(whole(ad, attribute) or 0 for ad in slots if _has_room(ad))

    return Machine(
        name=name,
        cpus=total("Cpus"),
        cpus_free=free("Cpus"),
        memory=total("Memory"),
        memory_free=free("Memory"),
        gpus=total("GPUs"),
        gpus_free=free("GPUs"),
        load=max(number(ad, "TotalLoadAvg") or number(ad, "LoadAvg") or 0.0 for ad in slots),
    )


def _has_room(ad: Ad) -> bool:
    """Of a divisible slot what is left stands in its ad; a whole one is free or not."""
    return text(ad, "SlotType") == "Partitionable" or text(ad, "State") == "Unclaimed"


def _queues(ads: list[Ad]) -> tuple[QueueOfUser, ...]:
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for ad in ads:
        for index, attribute in enumerate(("RunningJobs", "IdleJobs", "HeldJobs")):
            counts[text(ad, "Name").rpartition("@")[0]][index] += whole(ad, attribute) or 0
    return tuple(QueueOfUser(name, *counts[name]) for name in sorted(counts) if any(counts[name]))


def _shares(data: bytes) -> tuple[Share, ...]:
    found = []
    for line in data.decode("utf-8", "replace").splitlines():
        fields = [field.strip()[:300] for field in line.split("\t") if field.strip()]
        if len(fields) != _FIELDS or fields[0] == "<none>":
            continue
        name, is_group, group, *numbers = fields
        priority, quota, used, hours = (_number(one) for one in numbers)
        found.append(
            Share(
                name=name.rpartition("@")[0] or name,
                group="" if group in {"<none>", "undefined"} else group,
                is_group=is_group == "true",
                priority=priority or 0.0,
                quota=quota,
                used=used or 0.0,
                used_hours=(hours or 0.0) / _HOUR,
            )
        )
    return tuple(sorted(found, key=lambda share: (not share.is_group, share.priority, share.name)))


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None  # "undefined", for a user's quota


def _place(shares: tuple[Share, ...], user: str) -> tuple[str, int | None]:
    people = [share.name for share in shares if not share.is_group]
    for place, name in enumerate(people, start=1):
        if name.rpartition(".")[2] == user:
            return name, place
    return user, None


def waiting_in_words(job: JobInfo, analysis: bytes, view: PoolView) -> Waiting:
    """Why a job has not started: what fits it, what is free, and whose turn it is."""
    told = analysis.decode("utf-8", "replace")
    machines, rejected = _count(_ALL, told), _count(_REJECTED, told)
    fitting = None if machines is None or rejected is None else machines - rejected
    free = _count(_FREE, told)
    ahead = _ahead(view)
    details = tuple(f"No machine offers: {unmet.strip()}" for unmet in _UNMET.findall(told)[:8])
    share = next((share for share in view.shares if share.name == view.me), None)
    if share is not None and view.place is not None:
        people = sum(not one.is_group for one in view.shares)
        place = f"Your place among {people} people is {view.place}"
        details += (f"{place}; you use {share.used:g} cores.",)
    return Waiting(
        sentence=_sentence(job, view, fitting, free, ahead),
        details=details,
        fitting=fitting,
        free=free,
        ahead=ahead,
    )


def _count(pattern: re.Pattern[str], told: str) -> int | None:
    found = pattern.search(told)
    return int(found[1][:9]) if found else None


def _ahead(view: PoolView) -> int | None:
    """Waiting jobs of those whose turn comes before mine."""
    if view.place is None:
        return None
    people = [share.name for share in view.shares if not share.is_group]
    before = set(people[: view.place - 1])
    return sum(queue.waiting for queue in view.queues if queue.name in before)


def _sentence(  # noqa: PLR0911 - one line a case
    job: JobInfo, view: PoolView, fitting: int | None, free: int | None, ahead: int | None
) -> str:
    wants_gpus = job.asked_gpus
    if not view.machines:
        return "The pool shows no machines just now."
    if wants_gpus and max(machine.gpus for machine in view.machines) < wants_gpus:
        most = max(machine.gpus for machine in view.machines)
        return f"It asks for {wants_gpus} GPUs, and no machine here has more than {most}."
    if job.asked_cpus and max(machine.cpus for machine in view.machines) < job.asked_cpus:
        most = max(machine.cpus for machine in view.machines)
        return f"It asks for {job.asked_cpus} cores, and no machine here has more than {most}."
    if job.asked_memory and max(machine.memory for machine in view.machines) < job.asked_memory:
        most = max(machine.memory for machine in view.machines)
        return f"It asks for {job.asked_memory} MB, and no machine here has more than {most} MB."
    if fitting == 0 and not _could_fit(job, view):
        return "No machine of the pool has what it asks for."
    if wants_gpus and sum(machine.gpus_free for machine in view.machines) == 0:
        return "No GPU is free; it starts when one is."
    if not any(_fits_now(job, machine) for machine in view.machines):
        return "All machines are busy" + _queue_words(ahead)
    if free == 0 or free is None:
        return "There is room; the pool is about to look at it" + _queue_words(ahead)
    return "It starts at the pool's next round" + _queue_words(ahead)


def _queue_words(ahead: int | None) -> str:
    if not ahead:
        return "."
    return f"; {ahead} job{'s' if ahead > 1 else ''} of people whose turn comes first wait too."


def _could_fit(job: JobInfo, view: PoolView) -> bool:
    """Whether a whole machine would do: the analysis sees only what is left of it."""
    return any(
        machine.cpus >= (job.asked_cpus or 1)
        and machine.memory >= (job.asked_memory or 0)
        and machine.gpus >= job.asked_gpus
        for machine in view.machines
    )


def _fits_now(job: JobInfo, machine: Machine) -> bool:
    return (
        machine.cpus_free >= (job.asked_cpus or 1)
        and machine.memory_free >= (job.asked_memory or 0)
        and machine.gpus_free >= job.asked_gpus
    )
