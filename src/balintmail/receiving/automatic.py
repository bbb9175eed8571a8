"""Know what a machine wrote in somebody's name: out-of-office notes, receipts, challenges (RFC 3834, RFC 8098, S41).

They never count as bounces, whatever text they hold (H28), and nothing answers them (S9).
"""

import re

from balintmail.receiving.mail import Mail

_ANSWERED = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply", "x-vacation")
_SUBJECT = re.compile(
    r"out of (?:the )?office|automatic (?:reply|response)|auto(?:matic|mated)?[- ]?(?:repl|respon|answer)|^auto:|"
    r"^\[?auto(?:reply|-reply)|"
    r"vacation|on (?:annual |maternity |parental |sick |holiday )?leave\b|away from|i am (?:away|out)|(?:on|"
    r"public) holiday|absen(?:t|ce)|ooo\b|no longer (?:at|with|works)|"
    r"abwesen|urlaub|außer haus|automatische (?:antwort|rückmeldung)|nicht im (?:büro|haus)|elternzeit|mutterschutz|"
    r"réponse (?:automatique|d'absence)|absence du bureau|message d'absence|en congés?|"
    r"automatikus válasz|házon kívül|szabadság|nem vagyok|távollét|"
    r"respuesta automática|fuera de (?:la )?oficina|risposta automatica|fuori (?:sede|ufficio)|resposta automática|"
    r"fora do escritório|"
    r"automatisch antwoord|afwezig|autosvar|frånvaro|fravær|poissa|automatisk (?:svar|svarsmeddelelse)|automaattinen|"
    r"lomalla|otomatik (?:yanıt|cevap)|자동 ?(?:회신|응답)|부재|"
    r"αυτόματη απάντηση|απουσί|automatický|samodejni odgovor|automatski odgovor|răspuns automat|"
    r"automatická odpov|odpowied[źz] automatyczna|"
    r"nieobecno|автоответ|отпуск|отсутств|"
    r"自動(?:応答|返信)|不在|自动(?:回复|答复)|自動回覆|休假",
    re.I,
)
_MACHINES = re.compile(r"^report domain:.{1,200}submitter:", re.I | re.S)  # DMARC's and TLS's daily reports
_CHALLENGE = re.compile(
    r"(?:please |to )?(?:confirm|verify|validate|authenticate) (?:your|that you|this) (?:e-?mail|message|mail|"
    r"identity|address|sent)|"
    r"challenge|boxbe|spam ?arrest|sender (?:address )?(?:verification|confirmation)|waiting list|"
    r"await(?:s|ing) (?:your |moderator )?(?:approval|verification)|"
    r"your (?:message|e-?mail|mail) (?:to .{0,60})?(?:is (?:being held|waiting|awaiting)|requires (?:confirmation|"
    r"verification|approval))|bestätigen sie",
    re.I,
)
_CHALLENGER = (
    "x-boxbe",
    "x-choicemail-registration-request",
    "x-tmda-fingerprint",
    "x-spamarrest-flag",
    "x-sender-verification",
)
_ROBOTIC = re.compile(r"auto[_ -]?repl|vacation", re.I)


def is_receipt(mail: Mail) -> bool:
    """Say whether a message is a disposition notification: read, deleted, displayed."""
    return mail.report_type == "disposition-notification" or bool(mail.of_kind("message/disposition-notification"))


def says_so_itself(mail: Mail) -> bool:
    """Say whether the subject is that of an out-of-office note or a challenge."""
    subject = mail.headers.get("subject")[:300]
    return bool(_SUBJECT.search(subject) or _CHALLENGE.search(subject))


def is_automatic(mail: Mail) -> bool:
    """Say whether a machine wrote this in a person's name."""
    headers = mail.headers
    said = headers.get("auto-submitted").partition(";")[0].strip().lower()
    if said.startswith("auto-replied") or is_receipt(mail) or headers.every(*_ANSWERED):
        return True
    if headers.every(*_CHALLENGER) or _CHALLENGE.search(headers.get("subject")):
        return True
    if _MACHINES.search(headers.get("subject")[:500]):
        return True
    if _ROBOTIC.search(headers.get("precedence")) or _SUBJECT.search(headers.get("subject")[:300]):
        return True
    return said.startswith("auto-") and not headers.get("from").lower().count("mailer-daemon")


def is_robots(mail: Mail) -> bool:
    """Say whether nothing may answer this message (RFC 3834 section 2, S9)."""
    headers = mail.headers
    said = headers.get("auto-submitted").partition(";")[0].strip().lower()
    bulk = headers.get("precedence").strip().lower() in {"bulk", "list", "junk"}
    listed = any(name.startswith("list-") for name, _ in headers.fields)
    empty = headers.get("return-path").strip() == "<>"
    return (said not in {"", "no"}) or bulk or listed or empty or is_automatic(mail)
