"""Rows of backup jobs, copy jobs and the items chosen for a job (reference 8.9)."""

from typing import Any

from exporter.simulator.chance import Lot
from exporter.simulator.veeam.archive import status_of
from exporter.simulator.veeam.codes import NEW_PERIOD
from exporter.simulator.veeam.history import last_backup
from exporter.simulator.veeam.jobs import Chain, Policy, VeeamJob
from exporter.simulator.veeam.pen import Pen, Row

NEVER: tuple[str | None, ...] = (None, None, "NotConfigured")
"""What is said of the last status of a job that never ran."""


def job_row(pen: Pen, job: VeeamJob, now: float) -> Row:
    """Return the row of a backup job."""
    lot = job.nature.lot
    return pen.fields(
        "job",
        {
            "description": lot.pick(("", None, "Created by the wizard (synthetic)."), "description"),
            "backupType": "EntireOrganization" if job.entire else "SelectedItems",
            "schedulePolicy": _schedule(pen, job.policy),
            **_state(pen, job, now),
        },
    )


def copy_row(pen: Pen, job: VeeamJob, now: float) -> Row:
    """Return the row of a copy job."""
    return pen.fields(
        "job",
        {
            "backupJobId": job.source.id if job.source else None,
            "schedulePolicy": _copy_schedule(job.policy),
            **_state(pen, job, now),
        },
    )


def _state(pen: Pen, job: VeeamJob, now: float) -> Row:
    newest = next(job.newest_first(now), None)
    resource = "Jobs" if job.kind == "backup" else "CopyJobs"
    links = {
        "self": f"{resource}/{job.id}",
        "organization": f"Organizations/{job.nature.customer_id}",
        "backupRepository": f"BackupRepositories/{job.repository_id}",
        "jobsessions": f"Jobs/{job.id}/JobSessions",
    }
    if job.kind == "backup":
        links |= {name: f"Jobs/{job.id}/{name[0].upper()}{name[1:]}" for name in ("selectedItems", "excludedItems")}
    return {
        "id": job.id,
        "organizationId": job.nature.customer_id,
        "repositoryId": job.repository_id,
        "name": job.name,
        "lastRun": pen.time(newest[0].start) if newest else None,
        "nextRun": pen.time(job.next_run(now)),
        "lastBackup": pen.time(last_backup(job, now)),
        "isEnabled": job.enabled_at(now),
        "lastStatus": last_status(job, newest, now),
        "eTag": newest[0].run % 100_000 if newest else 1,
        "_links": pen.links(**links),
    }


def last_status(job: VeeamJob, newest: Chain | None, now: float) -> str | None:
    """Return the state of the newest session of a job."""
    if newest is None:
        return job.nature.lot.pick(NEVER, "never ran")
    return status_of([session for session in newest if session.start <= now][-1], now)


def _schedule(pen: Pen, policy: Policy) -> Row:
    retries = policy.retries is not None
    row: dict[str, Any] = {
        "scheduleEnabled": policy.type != "ManualOnly",
        "backupWindowEnabled": False,
        "periodicallyWindowEnabled": False,
        "periodicallyOffsetMinutes": policy.offset_minutes,
        "type": policy.type,
        "periodicallyEvery": _every(pen, policy.every),
        "dailyType": policy.daily_type,
        "dailyTime": policy.daily_time,
        "retryEnabled": retries,
        "retryNumber": policy.retries,
        "retryWaitInterval": policy.wait_minutes,
    }
    return pen.fields("job schedule", {name: value for name, value in row.items() if value is not None})


def _copy_schedule(policy: Policy) -> Row:
    row = {
        "type": policy.type,
        "periodicallyEvery": policy.every,
        "dailyType": policy.daily_type,
        "dailyTime": policy.daily_time,
        "backupCopyWindowEnabled": False,
    }
    return {name: value for name, value in row.items() if value is not None}


def _every(pen: Pen, every: str | None) -> str | None:
    """Return the period; the older versions have no word for the newest one."""
    return None if every == NEW_PERIOD and not pen.modern else every


KINDS = ("User", "User", "User", "Group", "Site", "Team")


def selected_items(job: VeeamJob) -> list[Row]:
    """Return what a job backs up; of an entire organization that is one item."""
    if job.entire:
        everything = {"mailbox": True, "oneDrive": True, "archiveMailbox": True, "sites": True}
        return [{"type": "PartialOrganization", "id": f"{job.id}-org", **everything, "_links": {}}]
    lot = job.nature.lot.child("items")
    return [_item(lot.child(place), place) for place in range(lot.whole(1, 45, "count"))]


def excluded_items(job: VeeamJob) -> list[Row]:
    """Return what a job leaves out: often nothing."""
    lot = job.nature.lot.child("excluded")
    return [_item(lot.child(place), place) for place in range(lot.pick((0, 0, 1, 4), "count"))]


def _item(lot: Lot, place: int) -> Row:
    kind = lot.pick(KINDS, "kind")
    row: Row = {"type": kind, "id": lot.guid("id"), "_links": {}}
    match kind:
        case "User":
            who = {
                "id": lot.guid("user"),
                "displayName": f"User {place} (synthetic)",
                "name": f"user{place}@example.com",
            }
            return row | {"mailbox": True, "oneDrive": True, "archiveMailbox": False, "personalSite": True, "user": who}
        case "Group":
            group = {"id": lot.guid("group"), "displayName": f"Group {place} (synthetic)", "type": "Office365"}
            return row | {"mailbox": True, "members": True, "memberMailbox": True, "groupSite": True, "group": group}
        case "Site":
            site = {"id": lot.guid("site"), "url": f"https://example.com/sites/{place}", "title": f"Site {place}"}
            return row | {"site": site}
        case _:
            team = {"id": lot.guid("team"), "displayName": f"Team {place} (synthetic)"}
            return row | {"teamsChats": False, "team": team}
