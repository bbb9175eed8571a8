"""List what everybody may read in the archive, newsletters and the Journal, each with the day of its last change.

It changes nothing. What is for members or in the making is not in it; a paper under embargo is, for its abstract.
"""

from dataclasses import dataclass
from datetime import date

from balintmail.db import archive
from balintmail.db import journal_shelves as shelves
from balintmail.domain.states import Visibility
from balintmail.services.context import Context

MOST_OF_A_LIST = 20_000  # newsletters


@dataclass(frozen=True, slots=True)
class Place:
    """A path of the site, and the day on which what stands there last changed."""

    path: str
    changed_on: date


def places(ctx: Context) -> list[Place]:
    """Return the newsletters of every list, then journal issues and papers, the newest first."""
    zone = ctx.settings.zone
    today = ctx.clock.now().astimezone(zone).date()
    found = []
    with ctx.db.read() as tx:
        for shelf in archive.shelves(tx):
            every = archive.of_list(tx, shelf.slug, most=MOST_OF_A_LIST)
            numbers = [one for one in every if one.visibility is Visibility.PUBLIC]
            if numbers:
                found.append(Place(f"/newsletters/{shelf.slug}", shelf.latest.astimezone(zone).date()))
            found += [Place(f"/newsletters/{one.slug}/{one.number}", one.at.astimezone(zone).date()) for one in numbers]
        for issue in shelves.published(tx, today):
            found.append(Place(f"/journal/{issue.label}", issue.updated_at.astimezone(zone).date()))
        for line in shelves.titles(tx, today):
            found.append(Place(f"/journal/{line.label}/{line.slug}", line.updated_at.astimezone(zone).date()))
    return found
