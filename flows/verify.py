"""Verify a night; or repair it: archive, night, topics, each from what is whole."""

import logging
from collections.abc import Callable
from functools import partial

from cluster.access import KafkaAccess
from cluster.local import running
from cluster.topics import ensure_ledger
from flows.ending import Ending
from nightmail import RetryableError
from settings import Settings
from settings.errors import NewerRunError, NothingThereError
from tasks.find_night import FoundNight, find_night
from tasks.gather_evidence import Evidence, gather_evidence
from tasks.prepare_topics import prepare_topics
from tasks.read_back import read_back
from tasks.repair_archive import repair_archive, settle_slices
from tasks.repair_topics import repair_topics
from tasks.summarise_night import summarise_night
from tasks.verification import Verification
from tasks.verify_night import verify_night

log = logging.getLogger("nightmail")


def verify(settings: Settings, *, survey: str, night: str) -> Verification:
    """Compare what store, ledger, topics and archive have of a night.

    Raises
    ------
    NothingThereError
        Nobody has anything of the night.
    BrokerUnavailableError, ClusterError
        Kafka does not answer, or has no ledger.
    ArchiveUnavailableError
        The archive cannot be read.
    """
    found = find_night(settings, survey=survey, night=night, must_exist=False)
    with running(settings) as access:
        return verify_night(_gather(settings, access, found))


def repair(
    settings: Settings, *, survey: str, night: str, complete: Callable[[], Ending]
) -> Verification:
    """Mend what disagrees, and compare once more.

    The archive comes first, since a run leaves out by it what was sent before. Then
    the night is completed, and at last the topics get again what they lack.

    Parameters
    ----------
    complete
        Runs the night, for what was never sent.

    Raises
    ------
    NewerRunError
        Another run works on the night.
    RetryableError
        Something that the night needs is not reachable.
    NothingThereError
        Nobody has anything of the night.
    NightError
        A topic refuses, or what it lacks is nowhere any more.
    """
    found = find_night(settings, survey=survey, night=night, must_exist=False)
    with running(settings) as access:
        gather = partial(_gather, settings, access, found)
        verification = verify_night(gather())
        if verification.agrees:
            return verification
        prepare_topics(settings, access, found)
        evidence = _mend_archive(settings, access, gather)
        if found.folder and evidence.plan.work:
            _heed(complete())
            evidence = gather()
        if repair_topics(settings, access, evidence, verify_night(evidence).problems):
            evidence = gather()
            _summarise(settings, access, evidence)
        return verify_night(evidence)


def _mend_archive(
    settings: Settings, access: KafkaAccess, gather: Callable[[], Evidence]
) -> Evidence:
    """Settle what waits to be shown, write again what is lost, and look again."""
    evidence = gather()
    if evidence.pending and settle_slices(settings, access, evidence):
        evidence = gather()
    if repair_archive(settings, access, evidence, verify_night(evidence).problems):
        evidence = gather()
    return evidence


def _heed(ending: Ending) -> None:
    """Stop where the night's run had to; tell what else failed in it."""
    why = " ".join(ending.failures)
    if ending.exit_code == NewerRunError.exit_code:
        raise NewerRunError(f"The night was not repaired: {why}")
    if ending.unreachable:
        raise RetryableError(f"The night was not repaired, try again later: {why}")
    for failure in ending.failures:
        log.warning("%s", failure)


def _summarise(settings: Settings, access: KafkaAccess, evidence: Evidence) -> None:
    """Say in the night's summary where the alerts stand now."""
    plan = evidence.plan
    if plan.folder is not None:
        back = read_back(settings, access, plan)
        summarise_night(settings, access, plan, back, failures=plan.failures)


def _gather(settings: Settings, access: KafkaAccess, found: FoundNight) -> Evidence:
    if access.local:
        # A new Kafka has none, and then the ledger says that nothing was sent.
        ensure_ledger(access, settings)
    evidence = gather_evidence(settings, access, found)
    if found.folder is None and not evidence.ledger and not len(evidence.matches):
        raise NothingThereError(
            f"Neither store nor ledger nor archive has the night {found.night} of"
            f" {found.survey}."
        )
    return evidence
