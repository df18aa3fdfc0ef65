"""What each job of the history is about: its rows do not say, so the API is asked, and as little as will do.

The letters of a job id decide for most workloads. Where they leave a choice, the jobs of one workload at a time are
asked for, the most likely first, until every job was found in an answer: nothing is concluded from a job's absence,
as the letters are known from observation only.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from exporter.records import JobKey, JobType
from exporter.sources.cloudbackup.client import Question
from exporter.sources.cloudbackup.wire import JobRow
from exporter.sources.cloudbackup.words import ALL, JOB_TYPE, OBJECT_TYPE, PRODUCT, kind_of

Ask = Callable[[Question], Awaitable[Iterable[str]]]
"""Returns the ids of the jobs that answer a question; raises `SourceError`."""
UNKNOWN: Final = "unknown_0"
"""The workload of a job that the API shows among all, but not among those of any workload."""


async def kinds(rows: Iterable[JobRow], ask: Ask, *, since: float, until: float) -> dict[str, JobKey]:
    """Return the job of each run in *rows*, none of which is known yet."""
    undecided: dict[str, tuple[JobType | None, tuple[str, ...]]] = {}
    found: dict[str, JobKey] = {}
    for row in rows:
        job_type, workloads = kind_of(row.run_id)
        if job_type is not None and len(workloads) == 1:
            found[row.run_id] = JobKey(PRODUCT, workloads[0], job_type)
        else:
            undecided[row.run_id] = (job_type, workloads)
    types = await _types(undecided, ask, since=since, until=until)
    for job_type in JOB_TYPE:
        of_type = {run_id: undecided[run_id][1] for run_id, its in types.items() if its == job_type}
        found |= await _workloads(job_type, of_type, ask, since=since, until=until)
    return found


async def _types(
    undecided: dict[str, tuple[JobType | None, tuple[str, ...]]], ask: Ask, *, since: float, until: float
) -> dict[str, JobType]:
    """Return the job type of each run: what its letters say, else what it was found among, else a backup."""
    types = {run_id: job_type for run_id, (job_type, _) in undecided.items() if job_type is not None}
    for job_type, number in JOB_TYPE.items():
        missing = undecided.keys() - types.keys()
        if not missing:
            break
        answer = await ask(Question(since=since, until=until, job_type=number))
        types |= dict.fromkeys(missing & set(answer), job_type)
    return {run_id: types.get(run_id, "backup") for run_id in undecided}


async def _workloads(
    job_type: JobType, undecided: dict[str, tuple[str, ...]], ask: Ask, *, since: float, until: float
) -> dict[str, JobKey]:
    """Return the job of each run of one type: first the workloads that their letters allow, then all others."""
    missing = dict(undecided)
    found: dict[str, JobKey] = {}
    asked: set[str] = set()
    for allowed in (undecided, dict.fromkeys(undecided, ALL)):
        for workload in ALL:
            if workload in asked or not any(workload in allowed[run_id] for run_id in missing):
                continue
            asked.add(workload)
            number = OBJECT_TYPE[workload]
            question = Question(since=since, until=until, job_type=JOB_TYPE[job_type], object_type=number)
            for run_id in set(await ask(question)) & missing.keys():
                found[run_id] = JobKey(PRODUCT, workload, job_type)
                del missing[run_id]
    return found | dict.fromkeys(missing, JobKey(PRODUCT, UNKNOWN, job_type))
