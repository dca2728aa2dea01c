"""Verify a night, and repair it if asked: gather, compare, send what lacks, compare."""

import logging
from collections.abc import Callable

from cluster.access import KafkaAccess
from cluster.local import running
from settings import Settings
from settings.errors import NothingThereError
from tasks.find_night import FoundNight, find_night
from tasks.gather_evidence import Evidence, gather_evidence
from tasks.prepare_topics import prepare_topics
from tasks.repair_archive import repair_archive
from tasks.repair_topics import repair_topics
from tasks.verify_night import Verification, verify_night

log = logging.getLogger("nightmail")


def verify(
    settings: Settings,
    *,
    survey: str,
    night: str,
    complete: Callable[[], object] | None = None,
) -> Verification:
    """Compare what store, ledger, topics and archive have of a night.

    Parameters
    ----------
    complete
        Runs the night, for what was never sent; giving it asks for repair. Then the
        archive gets again what it lacks and the topics have, and the topics, under the
        same generation, what they lack and the archive has.

    Raises
    ------
    NothingThereError
        Nobody has anything of the night.
    """
    found = find_night(settings, survey=survey, night=night, must_exist=False)
    with running(settings) as access:
        evidence = _gather(settings, access, found)
        verification = verify_night(evidence)
        if complete is None or verification.agrees:
            return verification
        if found.folder and (evidence.plan.work or evidence.pending):
            complete()
        return _repair(settings, access, found)


def _repair(settings: Settings, access: KafkaAccess, found: FoundNight) -> Verification:
    """Mend the archive from the store, and then the topics from the archive."""
    prepare_topics(settings, access, found)
    evidence = _gather(settings, access, found)
    verification = verify_night(evidence)
    for repair in (repair_archive, repair_topics):
        if repair(settings, access, evidence, verification.problems):
            evidence = _gather(settings, access, found)
            verification = verify_night(evidence)
    return verification


def _gather(settings: Settings, access: KafkaAccess, found: FoundNight) -> Evidence:
    evidence = gather_evidence(settings, access, found)
    if found.folder is None and not evidence.ledger and not len(evidence.matches):
        raise NothingThereError(
            f"Neither store nor ledger nor archive has the night {found.night} of"
            f" {found.survey}."
        )
    return evidence
