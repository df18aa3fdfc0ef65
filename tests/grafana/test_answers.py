"""Panels whose question is easily asked wrongly, against what is the case."""

from pathlib import Path
from typing import Final

from grafana.src.promql import COVERAGE, EXPIRY, NAMES, WATCHED
from tests.grafana.answers import Play, question, several

ANSWERED: Final = "m365backup_collector_last_success_timestamp_seconds"
SCANNED: Final = "m365backup_objects_scanned"
IDS: Final = ("contoso (uk)+x", "contoso.com", "contoso-com", "[fabrikam]|*")


def test_an_instance_that_is_scraped_in_parts_is_one(tmp_path: Path) -> None:
    """Targets of one instance count once, and it is up while any of them is: a tenant that left makes none down."""
    job = 'job="m365-backup"'
    play = Play(
        tmp_path,
        {
            f'up{{{job}, instance="a:10365"}}': 1,
            f'up{{{job}, instance="a:10365", source="elements", tenant="t1"}}': 1,
            f'up{{{job}, instance="a:10365", source="elements", tenant="left"}}': 0,
            f'up{{{job}, instance="b:10365"}}': 0,
            f'up{{{job}, instance="b:10365", source="elements", tenant="t2"}}': 0,
        },
    )

    play.answers(question("m365-backup-exporter", "Instances"), {"{}": 1})
    play.answers(question("m365-backup-exporter", "Instances down"), {"{}": 1})


def test_jobs_are_as_old_as_the_last_answer_about_them(tmp_path: Path) -> None:
    """A daily collector makes no tenant look old; where all are asked for at once, jobs grow old as anywhere."""
    play = Play(
        tmp_path,
        {
            f'{ANSWERED}{{source="elements", tenant="t1", collector="jobs"}}': 240,
            f'{ANSWERED}{{source="elements", tenant="t1", collector="scan_profiles"}}': -72000,
            f'{ANSWERED}{{source="veeam", collector="jobs"}}': -72000,
            f'{ANSWERED}{{source="veeam", tenant="t2", collector="protection"}}': 240,
            'm365backup_job_first_seen_timestamp_seconds{source="veeam", tenant="t2", job_name="Contoso"}': -90000,
        },
    )

    play.answers(
        question("m365-backup-fleet", "Tenants", "Jobs seen"),
        {'{source="elements", tenant="t1"}': 60, '{source="veeam", tenant="t2"}': 72300},
    )


def test_stale_collectors_are_counted_by_tenant(tmp_path: Path) -> None:
    """A collector is stale once no instance has fresh data; a tenant without any such has a 0."""
    stale = "m365backup_collector_stale"
    play = Play(
        tmp_path,
        {
            f'{stale}{{instance="a", source="elements", tenant="t1", collector="jobs"}}': 1,
            f'{stale}{{instance="b", source="elements", tenant="t1", collector="jobs"}}': 0,
            f'{stale}{{instance="a", source="elements", tenant="t1", collector="protection"}}': 1,
            f'{stale}{{instance="a", source="elements", tenant="t2", collector="jobs"}}': 0,
            'm365backup_tenant_muted{source="elements", tenant="t1"}': 0,
            'm365backup_tenant_muted{source="elements", tenant="t2"}': 0,
        },
    )

    play.answers(
        question("m365-backup-fleet", "Tenants", "Stale"),
        {'{source="elements", tenant="t1"}': 1, '{source="elements", tenant="t2"}': 0},
    )


def test_only_what_is_meant_to_be_protected_has_gaps(tmp_path: Path) -> None:
    """A workload counts if it has ten objects and any was protected within 30 days, all of them lost since or not."""
    quarters = {  # of days, 32 of these
        ("t1", "teams", 50): "0x128",
        ("t1", "exchange", 50): "1x128",
        ("t2", "teams", 50): "0.5x48 0x80",
        ("t3", "teams", 9): "0.5x128",
        ("t4", "teams", 50): "0.5x4 0x124",
        ("t5", "teams", 50): "0x127 0.8",
    }
    series: dict[str, str | float] = {}
    for (tenant, workload, scanned), values in quarters.items():
        labels = f'source="elements", tenant="{tenant}", product="m365", workload="{workload}"'
        series |= {f"{COVERAGE}{{{labels}}}": values, f"{SCANNED}{{{labels}}}": f"{scanned}x128"}
        for names in (NAMES, WATCHED):
            series[f'{names}{{source="elements", tenant="{tenant}", tenant_name="Contoso {tenant}"}}'] = "1x128"
    play = Play(tmp_path, series, at="32d", every="6h")
    shown = {"t1": 1.0, "t2": 0.0, "t5": 0.8}

    play.answers(question("m365-backup-fleet", "Tenants with gaps"), {"{}": 2})
    play.answers(
        question("m365-backup-fleet", "Least covered"),
        {
            f'{{source="elements", tenant="{tenant}", tenant_name="Contoso {tenant}"}}': covered
            for tenant, covered in shown.items()
        },
    )
    for tenant, covered in shown.items():
        play.answers(question("m365-backup-tenant", "Lowest coverage"), {"{}": covered}, tenant=tenant)
    play.answers(question("m365-backup-tenant", "Lowest coverage"), {}, tenant="t4")


def test_a_profile_that_does_not_scan_has_no_old_report(tmp_path: Path) -> None:
    """Of two old reports the one counts whose profile scans daily."""
    profile, old = "m365backup_scan_profile_", -4 * 86400
    series: dict[str, str | float] = {}
    for name, daily, reported in (("on", 1, old), ("off", 0, old), ("fresh", 1, 0)):
        labels = f'source="elements", tenant="t1", profile="{name}"'
        series[f"{profile}daily_scan_enabled{{{labels}}}"] = daily
        series[f"{profile}report_timestamp_seconds{{{labels}}}"] = reported

    Play(tmp_path, series).answers(question("m365-backup-scan-profiles", "Old reports"), {"{}": 1}, tenant=".+")


def test_ids_are_no_patterns(tmp_path: Path) -> None:
    """Whatever characters a tenant's id has, it is found, and no other: chosen alone or with others."""
    play = Play(tmp_path, {f'{EXPIRY}{{source="elements", tenant="{each}", subscription="s"}}': 400 for each in IDS})
    for each in IDS:
        play.answers(question("m365-backup-tenant", "Next expiry"), {"{}": 100}, tenant=each)
        play.answers(f'count({EXPIRY}{{tenant="$tenant"}})', {"{}": 1}, tenant=each)
        play.answers(f'count({EXPIRY}{{tenant=~"$tenant"}})', {"{}": 1}, tenant=several(each))
    play.answers(f'count({EXPIRY}{{tenant=~"$tenant"}})', {"{}": 2}, tenant=several(*IDS[:2]))
