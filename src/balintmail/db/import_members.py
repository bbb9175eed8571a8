"""What an import says of membership, written into memberships in sets; `people.member` follows in the same transaction.

A file's "yes" makes a membership of the usual class, paid until nobody knows when; its "no" ends one. Called by
db/import_writing.py around its own statements; services/members.py does the same for one person.
"""

_BECOMES = (
    "SELECT i.person AS id FROM import_people i JOIN people p ON p.id = i.person"
    " WHERE i.verdict = 'changed' AND i.member IS NOT NULL AND i.member <> p.member AND i.member = "
)
_END = "UPDATE memberships SET state = '{}', ended_on = :today, updated_at = :now WHERE TRUE"
_BEGIN = """
INSERT INTO memberships (person_id, class_id, since, state, created_at, updated_at)
SELECT x.id, c.id, CASE WHEN EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = x.id) THEN :today END,
       'active', :now, :now
FROM ({whom}) x CROSS JOIN member_classes c WHERE c.slug = 'full' ORDER BY x.id
"""

# Before the people are changed: who stops, and who begins anew. One that lapsed, or was to begin later, gives way.
OF_THE_CHANGED = (
    f"{_END.format('resigned')} AND (ended_on IS NULL OR ended_on > :today) AND person_id IN ({_BECOMES}FALSE)",
    f"{_END.format('lapsed')} AND ended_on IS NULL AND person_id IN ({_BECOMES}TRUE)",
    _BEGIN.format(whom=f"{_BECOMES}TRUE"),
)
# After the new people are there.
OF_THE_NEW = (_BEGIN.format(whom="SELECT i.person AS id FROM import_people i WHERE i.verdict = 'new' AND i.member"),)
