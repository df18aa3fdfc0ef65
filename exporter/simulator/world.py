"""The synthetic world: a pure function of seed and time that knows no vendor's words."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import floor, gcd

from exporter.simulator.anomalies import Anomalies, anomalies_of
from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer, customer, customer_number
from exporter.simulator.era import Era
from exporter.simulator.errands import errands_of
from exporter.simulator.excess import as_of
from exporter.simulator.incidents import OF_BACKUPS, Incident, Incidents
from exporter.simulator.jobs import Job, Outcome, Run, Script
from exporter.simulator.portfolio import jobs_of
from exporter.simulator.profiles import Profile, profiles_of
from exporter.simulator.protection import Protection, protection_of
from exporter.simulator.strikes import Strikes


class World:
    """Customers, jobs and runs for any instant.

    *start* is the Unix time when monitoring begins, *pace* divides all periods and durations,
    *leavers* and *joiners* are customers per day of the world, *rows_per_customer* forces the number
    of jobs. In a *calm* world nothing is wrong but what *incidents* bring. Nothing is stored but what was
    already computed; any process gets the same answers.
    """

    def __init__(  # noqa: PLR0913 a world has this many properties; they are keywords
        self,
        *,
        seed: int,
        tenants: int,
        start: float,
        pace: float = 1.0,
        leavers: float = 0.0,
        joiners: float = 0.0,
        rows_per_customer: int | None = None,
        scripts: tuple[Script, ...] = (),
        calm: bool = False,
        incidents: tuple[Incident, ...] = (),
    ) -> None:
        self.seed = seed
        self.tenants = tenants
        self.era = Era(start, pace)
        self.leavers = leavers
        self.joiners = joiners
        self.rows_per_customer = rows_per_customer
        self.calm = calm
        self.incidents = Incidents(incidents)
        self.scripts = scripts
        self._scripts = (*map(_failing, self.incidents.of_kind("backup_fails")), *scripts)
        self._first_leaver = Lot.of(seed, "departures").whole(0, 1 << 20)
        self._stride = _coprime(tenants)
        self._customers: dict[int, Customer] = {}
        self._jobs: dict[int, tuple[Job, ...]] = {}
        self._errands: dict[int, tuple[Job, ...]] = {}

    def customers(self, now: float) -> list[Customer]:
        """Return the customers at *now*, in a stable order."""
        everyone = (self._customer(number) for number in self._numbers(now))
        return [as_of(each, now) for each in everyone if not each.struck("customer_leaves", now)]

    def find(self, customer_id: str, now: float) -> Customer | None:
        """Return the customer with this id if there is one at *now*."""
        number = customer_number(self.seed, customer_id)
        if number is None or not self._member(number, now):
            return None
        found = self._customer(number)
        return None if found.struck("customer_leaves", now) else as_of(found, now)

    def subscriber(self, name: str) -> Customer | None:
        """Return whom a hash of *name* picks of those that bought Microsoft 365 backup; None if nobody did.

        It is always the same one, also after that customer left.
        """
        first = Lot.of(self.seed, "subscriber", name).whole(0, self.tenants - 1)
        places = ((first + place) % self.tenants for place in range(self.tenants))
        everyone = (self._customer(number) for number in places)
        return next((each for each in everyone if each.has("Microsoft 365")), None)

    def jobs(self, customer: Customer) -> tuple[Job, ...]:
        """Return the jobs of *customer*, in a stable order, whether a vendor shows them or not."""
        if customer.number not in self._jobs:
            jobs = jobs_of(customer, self.era, self.rows_per_customer)
            self._jobs[customer.number] = tuple(self.staged(job) for job in jobs)
        return self._jobs[customer.number]

    def errands(self, customer: Customer) -> tuple[Job, ...]:
        """Return the restores, exports, deletions and retention jobs of *customer*, in a stable order."""
        if customer.number not in self._errands:
            errands = errands_of(customer, self.jobs(customer), self.era)
            self._errands[customer.number] = tuple(self.staged(errand) for errand in errands)
        return self._errands[customer.number]

    def shown_jobs(self, customer: Customer, now: float) -> tuple[Job, ...]:
        """Return the jobs that have a row at *now*."""
        return tuple(job for job in self.jobs(customer) if not job.vanished(now))

    def runs_ended_between(self, customer: Customer, after: float, until: float) -> Iterator[tuple[Job, Run]]:
        """Yield which backups ended later than *after* and not later than *until*, job by job."""
        return ((job, run) for job in self.jobs(customer) for run in job.runs_ended(after, until))

    def protection(self, customer: Customer, now: float) -> tuple[Protection, ...]:
        """Return how much of each workload is backed up at *now*."""
        return protection_of(customer, self.era, now)

    def anomalies(self, customer: Customer, after: float, until: float) -> tuple[Anomalies, ...]:
        """Return what looked unusual on the days of the world from the one of *after* to the one of *until*."""
        return anomalies_of(customer, self.jobs(customer), self.era, after, until)

    def profiles(self, customer: Customer) -> tuple[Profile, ...]:
        """Return the scan profiles of *customer*."""
        return profiles_of(customer, self.era)

    def hide(self, customer_id: str, since: float, until: float) -> "World":
        """Return the same world where this customer is not seen from *since* to before *until*."""
        return self.strike(Incident("customer_leaves", since, until, customer_id))

    def strike(self, *incidents: Incident) -> "World":
        """Return the same world where this goes wrong too."""
        return self._with(self.scripts, (*self.incidents.all, *incidents))

    def script(self, selects: Callable[[Job], bool], outcome: Outcome, since: float, until: float) -> "World":
        """Return the same world where the runs of these jobs started in this interval end so."""
        return self._with((*self.scripts, Script(selects, outcome, since, until)), self.incidents.all)

    def staged(self, job: Job) -> Job:
        """Return *job* with the scripts and the incidents that are about it."""
        scripts = tuple(script for script in self._scripts if script.selects(job))
        strikes = tuple(each for each in self.incidents.of(job.customer_id) if each.kind in OF_BACKUPS)
        strikes = tuple(each for each in strikes if job.concerned_by(each))
        return replace(job, scripts=scripts, strikes=Strikes(strikes)) if scripts or strikes else job

    def _with(self, scripts: tuple[Script, ...], incidents: tuple[Incident, ...]) -> "World":
        return World(
            seed=self.seed,
            tenants=self.tenants,
            start=self.era.start,
            pace=self.era.pace,
            leavers=self.leavers,
            joiners=self.joiners,
            rows_per_customer=self.rows_per_customer,
            scripts=scripts,
            calm=self.calm,
            incidents=incidents,
        )

    def _customer(self, number: int) -> Customer:
        if number not in self._customers:
            made = customer(self.seed, number, self.era, calm=self.calm)
            self._customers[number] = replace(made, incidents=self.incidents.of(made.id))
        return self._customers[number]

    def _numbers(self, now: float) -> Iterator[int]:
        gone = self._happened(self.leavers, now)
        here = (number for number in range(self.tenants) if gone <= self._departure(number))
        yield from range(self.tenants) if not gone else here
        yield from range(self.tenants, self.tenants + self._happened(self.joiners, now))

    def _member(self, number: int, now: float) -> bool:
        if number >= self.tenants:
            return number < self.tenants + self._happened(self.joiners, now)
        return self._happened(self.leavers, now) <= self._departure(number)

    def _happened(self, per_day: float, now: float) -> int:
        return max(0, floor(self.era.days(now) * per_day))

    def _departure(self, number: int) -> int:
        """Return how many of the first customers leave before this one; joiners stay."""
        return (number * self._stride + self._first_leaver) % self.tenants


def _failing(incident: Incident) -> Script:
    return Script(lambda job: job.concerned_by(incident), "failed", incident.since, incident.until)


def _coprime(count: int) -> int:
    """Return a stride that visits all of *count* places before it returns."""
    stride = count // 2 + 1
    while gcd(stride, count) != 1:
        stride += 1
    return stride
