"""The words by which a mail system's note is known, and those round a recipient in it; several languages."""

import re

# Who writes notes and nothing else,
DAEMONS = re.compile(
    r"mailer-?daemon|post ?master|mail delivery (?:sub)?system|mail administrator|mail system|mmdf|mail router|"
    r"microsoft ?exchange|system attendant|(?:^|[<\s\"])(?:bounces?|daemon|maildelivery|mail-daemon|mdaemon|uucp|"
    r"qmail-send|mail-deliver-agent)@|mail transfer agent|delivery (?:status|notification|subsystem)",
    re.I,
)
# and who writes other mail as well.
PERHAPS_DAEMONS = re.compile(
    r"system (?:administrator|admin)|noreply.{0,10}bounce|(?:^|[<\s\"])(?:delivery|smtp|e-?mail|abuse|"
    r"admin(?:istrator)?|root|listserv|no-?reply|netmail|notification|helpdesk|support)@|mail ?server|internet mail|"
    r"gateway|lotus|domino|groupwise|systemadministrator|systemadministratör|content-?filter|firewall",
    re.I,
)
SUBJECTS = re.compile(
    r"undeliver|unable to deliver|not member article|not deliver|non.?deliver|delivery (?:status|failure|report|"
    r"problem|notif|error|has|attempt|fail|"
    r"delay|warn|"
    r"incomplete|not|to)|return(?:ed|ing)? (?:mail|message|to sender|e-?mail)|mail delivery|fail(?:ure|ed) (?:notice|"
    r"notif|"
    r"deliver|mail|message|to deliver|report)|deliver\w* fail|mail (?:system )?(?:error|fail|return|status|not|could)|"
    r"message (?:status|delivery|not|undeliver|could|rejected|delayed|bounced|you sent)|error (?:sending|in|"
    r"delivering|mail)|"
    r"could ?n.?t (?:be )?(?:deliver|send)|could not (?:be )?(?:deliver|send)|cannot (?:be )?(?:deliver|send)|bounce|"
    r"warning.{0,20}(?:could not|message|deliver)|"
    r"mailbox (?:is )?(?:full|unavail|disabled|over|unknown|not (?:found|avail|exist))|user unknown|unknown (?:user|"
    r"address)|\bndn?\b|\bndr\b|rejected|problem|nondeliverable|dead letter|"
    r"quota|over limit|nachricht|unzustellbar|nicht (?:zugestellt|zustellbar)|fehler|zustell|rückläufer|retour|"
    r"échec|echec|non remis|non distribu|impossible de remettre|kézbesít|sikertelen|visszaküld|nem (?:sikerült|kézbes)|"
    r"no se (?:ha )?(?:pudo|puede|entreg)|no entreg|devuelto|fallo|rechazad|impossibile|mancat|non recapit|mancata|"
    r"não (?:foi )?(?:entreg|pôde)|devolvid|falha|onbestelbaar|niet (?:afgeleverd|bezorgd)|niedostarcz|zwrot|nedoruč|"
    r"недостав|не доставлен|ошибка|возвра|невозможно|配信|不達|エラー|"
    r"送信できません|届きません|戻り|退信|退回|无法投递|系统退信|投递失败|失败|"
    r"levereras|leverering|leveret|toimitta|teslim edil|반송|전송 ?실패|발송 ?실패|ανεπίδοτ|"
    r"doručen\w* .{0,20}selhal|zprávu .{0,20}doručit|toimittaa|αποτυχία|leveres|nije dostavlj|nu a putut fi livrat",
    re.I,
)
# Words that people write above their letters too.
WEAK_SUBJECTS = re.compile(
    r"^(?!.*(?:undeliver|mail|message|deliver|daemon|bounce|zustell|nachricht)).*"
    r"(?:problem|rejected|quota|fehler|error|rechazad|failure|over limit|retour|возвра|ошибка|失败|エラー)",
    re.I | re.S,
)
BEGINNINGS = re.compile(
    r"this (?:is|message was created|report (?:relates|concerns)|message (?:was|has been) (?:generated|created|"
    r"returned|bounced)).{0,120}(?:mail (?:system|delivery|server|program|transfer|router|gateway)|"
    r"automatically|delivery (?:status|failure)|postfix|exim|qmail|daemon|software)|hi\. (?:this is|the mta)|"
    r"i'?m (?:sorry|afraid) (?:to have to inform|i wasn'?t|i couldn'?t)|"
    r"(?:your|the|a) (?:following )?(?:e-?)?(?:message|mail|letter)(?: (?:that )?(?:you|to|was|which|with|from|of|"
    r"sent|subject|dated|id|described|attached|below|enclosed)\b.{0,200})? (?:did not|could not|couldn'?t|can ?not|"
    r"can'?t|has not|hasn'?t|was not|wasn'?t|is not|failed|(?:was|is) (?:rejected|refused|returned|undeliverable)|"
    r"has been (?:rejected|returned|refused|delayed|blocked)|were not|wasn)|"
    r"(?:the )?following (?:address|recipient|user|mail|message|destination|person|e-?mail)|unable to (?:deliver|"
    r"send|complete)|delivery (?:to|of|has|attempt|failed|failure|problem|for|error|report|notification)|"
    r"undeliver|not (?:be )?delivered|could ?n.?t be delivered|failed to deliver|was not delivered|"
    r"message (?:delivery|undeliverable|rejected|returned|from)|we (?:were|are) (?:un(?:able)|sorry|not able)|"
    r"sorry,? (?:we|i|but|your|that)|"
    r"-{3,} ?(?:the following|transcript|failed|undelivered|error|addresses|message)|mail (?:could not|delivery|sent)|"
    r"no se (?:ha )?(?:pudo|puede)|konnte nicht|nicht zugestellt|unzustellbar|n'a pas (?:pu|été)|impossible de|"
    r"nem (?:sikerült|lehet|kézbes)|non (?:è stato|ha potuto|recapit)|não (?:foi|pôde)|kon niet|nie (?:mo[gż]|zosta)|"
    r"не (?:удалось|доставлен|может)|送信でき|配信でき|届け|お届け|无法|不能|未能|退回|전송하지 못|"
    r"det gick inte att leverera|"
    r"nebylo možné doručit|nepodařilo (?:se )?doručit|δεν παραδόθηκε|ei voitu toimittaa|"
    r""
    r"kunne ikke leveres|teslim edilemedi",
    re.I,
)
REFUSED = re.compile(
    r"(?<!\d)[45]\d\d[ -]|(?<!\d)[45]\.\d{1,3}\.\d{1,3}|fail|reject|refus|unknown|undeliver|un(?:able|known)|"
    r"not (?:be )?(?:deliver|found|exist|known|listed|accept|reach|valid)|"
    r"could(?: not|n'?t)|can(?:not|'?t| not)|doesn'?t|does not|no such|invalid|error|fatal|quota|full\b|exceed|"
    r"disabled|inactive|expired|denied|bounced|"
    r"returned|did not|not reach|following (?:recipient|address|user|person)|unavailable|unrout|problem|sorry|"
    r"no (?:user|mailbox|account)|illegal|permanent|timed out|blocked|non.?deliver|"
    r"unbekannt|nicht|fehler|inconnu|impossible|échou|ismeretlen|nem |sikertelen|desconocid|no se|sconosciut|"
    r"impossibile|onbekend|не |ошиб|できません|存在|エラー|不存在|失败|无法|退|不能|"
    r"못|존재하지|edilemedi|inte |ikke |não |pas |nie |ne ",
    re.I,
)
PASSING = re.compile(
    r"will (?:keep|continue|be) (?:try|retr|attempt)|(?:no|do not|don'?t) need to (?:resend|do anything|retry|take)|"
    r"still (?:being|trying)|warning.{0,10}(?:message|mail|:).{0,60}(?:delay|still|not yet|could not)|"
    r"this is (?:only )?a warning|has not yet been delivered|not yet been delivered|delivery (?:is |"
    r"has been |was )?delayed|delayed mail|is delayed|will retry|"
    r"attempts? to deliver .{0,60}will continue|zustellung .{0,30}verzögert|wird weiter|sera (?:encore )?(?:retent|"
    r"essay)|továbbra is",
    re.I,
)
# Where the note ends and what was returned begins.
RETURNED = re.compile(
    r"^[ \t>*]*(?:"
    r"-{2,60}+.{0,40}?(?:original|returned|unsent|undelivered|rejected|bounced|your|failed|copy of|body of|"
    r"this is a copy|headers? (?:of|follow)|message header|message (?:follows|text)|below this line|included|"
    r"enclosed|forwarded|start of|begin).{0,120}|"
    r"-{3,60}+ ?(?:message|mail|header).{0,60}(?:follow|below|attached|begin).{0,40}|"
    r"(?:the )?(?:original|returned|unsent|undelivered|rejected|failed|first .{0,20}lines of the|body of the|"
    r"text of the|headers? of the) (?:message|mail|text|e-?mail|letter|headers?|msg)(?! was received| sent (?:on|at))"
    r".{0,80}(?:follow|below|attached|header|:[ \t]*$|includ|was|reads|=|-{2,}|is\b).{0,80}|"
    r"(?:below|here|following|included|attached|enclosed|next).{0,30}(?:is|are).{0,20}(?:a |the )?(?:copy|text|"
    r"original|header|first|message|start|beginning|returned|part).{0,100}|"
    r"(?:a |the )?copy of (?:the|your) (?:original |returned )?(?:message|mail|letter|e-?mail).{0,60}(?:below|follow|"
    r"attached|includ|:).{0,40}|"
    r"message (?:header|text|body)s? (?:follow|as follows|is|are|:|below).{0,60}|message headers?:?[ \t]*$|"
    r"(?:diagnostic|technical) information for administrators.{0,40}|"
    r"={3,60}+.{0,30}?(?:original|returned|message|begin).{0,60}|\*{3,60}+.{0,30}?(?:original|returned|begin).{0,60}|"
    r"(?:received|return-path|x-envelope-from|dkim-signature): .{0,200}|from \S+@\S+ +(?:mon|tue|wed|thu|fri|sat|"
    r"sun) .{0,60}|"
    r"(?:ursprüngliche|originalnachricht|message d'origine|eredeti (?:üzenet|levél)|mensaje original|"
    r"messaggio originale|mensagem original|oorspronkelijk).{0,80}"
    r")$",
    re.I | re.M,
)
OFFICES = re.compile(
    r"post ?master|mailer-?daemon|abuse|hostmaster|webmaster|root|admin(?:istrator)?|support|help(?:desk)?|noc|"
    r"info-?tech|"
    r"no-?reply|do-?not-?reply|security|spam\w*|bounces?|it-?support|servicedesk|mail-?admin|mailadmin|email-?admin|"
    r"owner-.+|.+-(?:owner|request|bounces|unsubscribe)",
    re.I,
)
# Somebody to turn to, also where the line ends before the address;
TURN_TO = re.compile(
    r"\b(?:contact|write|turn|reach|e-?mail us|questions?|help|assistance|complain\w*|appeal|whitelist\w*|unblock\w*)\b"
    r"[^\n@:]{0,60}\b(?:at|to|via|by|from)[ \t:]*\n?[ \t<\"'(]*$",
    re.I,
)
# an address behind these is somebody to ask, or who wrote, not somebody who was not reached.
BEHIND_A_NAME = re.compile(
    r"(?<![a-z])(?:contact|(?:send|please|direct)(?: \w+)? mail to|write to|for example|such as|"
    r"try(?:ing)?(?: (?:sending|e-?mailing|writing))?(?: to)?|e\.g\.,?(?: if)?|e-?mail(?: us)? at|ask|reach|"
    r"help from|forward\w*(?: \w+){0,6} to|"
    r"questions? to|report to|send (?:mail|this|it|a copy|your|an? \w+) (?:\w+ )*to|"
    r"(?<!generated )from|sender(?:'s)?(?: e-?mail)?(?: address)?|reply[- ]?to|return-?path|envelope-from|message-?id|"
    r"in-reply-to|references|posted by|"
    r"written by|mail from|"
    r"sent by|originator|subject|id|kontakt|wenden sie sich an|absender|von|expéditeur|de|feladó|remitente|mittente)"
    r"\W{0,12}$|message[- ]id.{0,40}$",
    re.I,
)
# A line that tells who wrote the letter, in the summary that some systems make of it.
WRITER = re.compile(
    r"\s*(?:from|sender|reply-to|return-path|von|absender|de|expéditeur|remitente|da|mittente|remetente|feladó|van|"
    r"afzender|från|fra|od|od kogo|nadawca|от кого|от|差出人|送信者|发件人|寄件者)[ \t]*[:：]",
    re.I,
)
