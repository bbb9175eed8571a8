"""Other tools' exports: whose they are, and what becomes of each of their states."""

from pathlib import Path

import pytest

from balintmail.domain.imports import FileState, ImportRow
from balintmail.domain.states import SuppressionReason
from balintmail.ops.importers.reading import Corrections, Reading, open_people

MAILCHIMP = (
    "Email Address,First Name,Last Name,Clinic,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,"
    "LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,{extra}LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
)
CELLS = (
    "anna@example.org,Anna,Kovács,Pécs,2,,,2019-05-04 10:11:12,192.0.2.1,,,,,,,,{extra}2020-01-01 00:00:00,1,abc,,"
    '"""old"""\n'
)


def opened(folder: Path, name: str, text: str) -> Reading:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return open_people(file, Corrections())


def one(reading: Reading) -> ImportRow:
    (row,) = reading.rows
    assert not row.refused
    return row


@pytest.mark.parametrize(
    ("name", "header", "cell", "state"),
    [
        ("subscribed_email_audience_export_1.csv", "", "", FileState.SUBSCRIBED),
        (
            "unsubscribed_email_audience_export_1.csv",
            "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,",
            "2021-02-03 04:05:06,X,1,Y,,",
            FileState.UNSUBSCRIBED,
        ),
        (
            "renamed.csv",
            "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,",
            "2021-02-03 04:05:06,X,1,",
            FileState.CLEANED,
        ),
        ("cleaned_email_audience_export_1.csv", "", "", FileState.CLEANED),
        ("unsubscribed_members_export_1.csv", "", "", FileState.UNSUBSCRIBED),
        ("nonsubscribed_email_audience_export_1.csv", "", "", FileState.PENDING),
    ],
)
def test_mailchimp_writes_a_file_for_each_state(
    tmp_path: Path, name: str, header: str, cell: str, state: FileState
) -> None:
    reading = opened(tmp_path, name, MAILCHIMP.format(extra=header) + CELLS.format(extra=cell))
    assert reading.tool == "Mailchimp"
    row = one(reading)
    assert (row.name, row.state, row.fields) == ("Anna Kovács", state, {"clinic": "Pécs"})
    assert str(row.collected) == "2019-05-04"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("enabled", FileState.SUBSCRIBED),
        ("disabled", FileState.UNSUBSCRIBED),
        ("blocklisted", FileState.BLOCKED),
        ("blacklisted", FileState.BLOCKED),
    ],
)
def test_listmonk_states_and_attributes(tmp_path: Path, status: str, state: FileState) -> None:
    text = (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '6b2f,anna@example.org,Anna,"{""city"": ""Pécs"", ""age"": 40, ""E-mail"": ""x"", ""tags"": [1]}",'
        f"{status},2024-01-02 15:04:05.999999 +0000 UTC,2024-01-02 15:04:05 +0000 UTC\n"
    )
    reading = opened(tmp_path, "subscribers.csv", text)
    assert reading.tool == "listmonk"
    row = one(reading)
    assert (row.state, str(row.collected)) == (state, "2024-01-02")
    assert row.fields == {"city": "Pécs", "age": 40, "e_mail": "x", "tags": "[1]"}


def test_listmonk_attributes_that_are_no_json_refuse_their_row(tmp_path: Path) -> None:
    text = 'uuid,email,name,attributes,status\n1,a@example.org,A,"{broken",enabled\n2,b@example.org,B,{},enabled\n'
    bad, good = opened(tmp_path, "subscribers.csv", text).rows
    assert bad.refused == "its attributes are not JSON"
    assert not good.refused


@pytest.mark.parametrize("who", ["user", "subscriber"])
@pytest.mark.parametrize(
    ("cells", "state", "suppress"),
    [
        ("1\t0\t0\t0", FileState.SUBSCRIBED, None),
        ("0\t0\t0\t0", FileState.PENDING, None),
        ("1\t1\t0\t0", FileState.UNSUBSCRIBED, None),
        ("1\t1\t4\t0", FileState.UNSUBSCRIBED, SuppressionReason.BOUNCED),
        ("1\t0\t0\t1", FileState.UNSUBSCRIBED, None),
    ],
)
def test_phplist_columns_say_who_left(
    tmp_path: Path, who: str, cells: str, state: FileState, suppress: SuppressionReason | None
) -> None:
    text = (
        f"id\tEmail\tIs this {who} confirmed (1/0)\tIs this {who} blacklisted (1/0)\tNumber of bounces on this {who}\t"
        f"Is this account disabled?\tEntered\tUnique ID for {who}\tTown\tList Membership\n"
        f"7\tanna@example.org\t{cells}\t2018-01-02 03:04:05\tabc\tPécs\tnewsletter \n"
    )
    reading = opened(tmp_path, "phpList Export.csv", text)
    assert reading.tool == "phpList"
    row = one(reading)
    assert (row.state, row.addresses[0].suppress, row.person) == (state, suppress, None)
    assert (row.fields, str(row.collected)) == ({"town": "Pécs"}, "2018-01-02")


def test_mailman_lists_of_members(tmp_path: Path) -> None:
    text = 'Anna Kovács <anna@example.org>\n"Kiss, Pál" <pal@example.org>\nbo@example.org\nuta@example.org (Uta Groß)\n'
    reading = opened(tmp_path, "members.txt", text)
    assert reading.tool == "Mailman"
    assert [(row.name, row.shown.count("@"), row.refused) for row in reading.rows] == [
        ("Anna Kovács", 1, ""),
        ("Kiss, Pál", 1, ""),
        ("", 1, ""),
        ("Uta Groß", 1, ""),
    ]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("enabled", FileState.SUBSCRIBED),
        ("by_user", FileState.PAUSED),
        ("by_bounces", FileState.BOUNCED),
        ("by_moderator", FileState.UNSUBSCRIBED),
        ("unknown", FileState.PENDING),
        ("[B]", FileState.BOUNCED),
        ("", FileState.SUBSCRIBED),
    ],
)
def test_mailman_rosters(tmp_path: Path, status: str, state: FileState) -> None:
    text = f"address,display_name,delivery_status,delivery_mode\nanna@example.org,Anna,{status},regular\n"
    reading = opened(tmp_path, "roster.csv", text)
    assert reading.tool == "Mailman"
    row = one(reading)
    assert (row.name, row.state, row.fields) == ("Anna", state, None)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Subscribed", FileState.SUBSCRIBED),
        ("abgemeldet", FileState.UNSUBSCRIBED),
        ("désabonné", FileState.UNSUBSCRIBED),
        ("leiratkozott", FileState.UNSUBSCRIBED),
        ("Hard-Bounce", FileState.BOUNCED),
        ("Spam", FileState.COMPLAINED),
    ],
)
def test_hand_made_lists_may_use_their_own_words(tmp_path: Path, word: str, state: FileState) -> None:
    assert one(opened(tmp_path, "x.csv", f"email,status\na@example.org,{word}\n")).state is state


@pytest.mark.parametrize(
    ("cells", "state", "suppress"),
    [
        ("1,0,0,0", FileState.SUBSCRIBED, None),
        ("0,0,0,0", FileState.PENDING, None),
        ("1,1,0,0", FileState.UNSUBSCRIBED, None),
        ("1,1,4,0", FileState.UNSUBSCRIBED, SuppressionReason.BOUNCED),
        ("1,0,0,1", FileState.UNSUBSCRIBED, None),
    ],
)
def test_phplist_columns_by_the_names_of_its_database(
    tmp_path: Path, cells: str, state: FileState, suppress: SuppressionReason | None
) -> None:
    text = (
        "id,email,confirmed,blacklisted,bouncecount,disabled,entered,modified,uniqid,htmlemail,town\n"
        f"7,anna@example.org,{cells},2018-01-02 03:04:05,2018-01-02 03:04:05,abc,1,Pécs\n"
    )
    reading = opened(tmp_path, "users.csv", text)
    assert reading.tool == "phpList"
    row = one(reading)
    assert (row.state, row.addresses[0].suppress, row.person) == (state, suppress, None)
    assert (row.fields, str(row.collected)) == ({"town": "Pécs"}, "2018-01-02")


@pytest.mark.parametrize(
    ("column", "cell", "state"),
    [
        ("Unsubscribed", "yes", FileState.UNSUBSCRIBED),
        ("Unsubscribed", "no", FileState.SUBSCRIBED),
        ("Unsubscribed at", "2024-01-02", FileState.UNSUBSCRIBED),
        ("Unsubscribed at", "", FileState.SUBSCRIBED),
        ("Subscribed", "0", FileState.UNSUBSCRIBED),
        ("Subscribed", "1", FileState.SUBSCRIBED),
        ("Confirmed", "false", FileState.PENDING),
        ("Bounced", "1", FileState.BOUNCED),
        ("blacklisted", "TRUE", FileState.BLOCKED),
        ("Abgemeldet am", "2.1.2024", FileState.UNSUBSCRIBED),
    ],
)
def test_hand_made_columns_that_mark_who_must_not_be_mailed(
    tmp_path: Path, column: str, cell: str, state: FileState
) -> None:
    row = one(opened(tmp_path, "x.csv", f"email,{column}\na@example.org,{cell}\n"))
    assert (row.state, row.fields) == (state, None)


def test_a_flag_leaves_a_column_of_states_its_word_and_a_correction_its_column(tmp_path: Path) -> None:
    text = "email,status,confirmed\na@example.org,unsubscribed,yes\nb@example.org,active,yes\nc@example.org,active,no\n"
    found = [row.state for row in opened(tmp_path, "x.csv", text).rows]
    assert found == [FileState.UNSUBSCRIBED, FileState.SUBSCRIBED, FileState.PENDING]
    corrected = open_people(tmp_path / "x.csv", Corrections(columns={"confirmed": "field:coming"}))
    assert [(row.state, row.fields) for row in corrected.rows][2] == (FileState.SUBSCRIBED, {"coming": "no"})
