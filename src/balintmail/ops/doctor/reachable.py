"""Say whether mail reaches the officers: requests, alarms and letters go to them, and nobody else would notice.

It mails nobody and names no address: the page may be shown to others.
"""

from balintmail.db import addresses, officers
from balintmail.db.session import Tx
from balintmail.domain.states import Role
from balintmail.ops.doctor.finding import Finding, stop, warn


def findings(tx: Tx) -> list[Finding]:
    """Return the officers whose address is not mailed, the Secretary first; nothing where all are reached."""
    found = []
    for role in sorted(Role, key=lambda one: one is not Role.SECRETARY):
        for holder in officers.holders(tx, role):
            preferred = next(iter(addresses.of_person(tx, holder.person_id)), None)
            if preferred is not None and preferred.state != "ok":
                found.append(_unreached(role, holder.person_id))
    return found


def _unreached(role: Role, person: int) -> Finding:
    lost = "request, alarm or letter" if role is Role.SECRETARY else "letter"
    message = f"The {role.value}'s address is paused or suppressed: no {lost} reaches person {person}."
    hint = (
        f"Why: balintmail people show {person}. When it is right again: balintmail suppress remove ADDRESS. "
        f"Otherwise: balintmail people edit {person} --add-address ADDRESS, then --prefer it."
    )
    return (stop if role is Role.SECRETARY else warn)("officer_unreached", message, hint)
