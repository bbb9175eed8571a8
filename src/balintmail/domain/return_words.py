"""How mail systems word their refusals: patterns by reason, the more telling first.

Written from the wording of Postfix, Exim, Sendmail, qmail, Courier, Exchange, Domino, GroupWise, James, the large
providers and their neighbours, in several languages. Matched against text in small letters with blanks made single.
"""

import re

_Patterns = tuple[re.Pattern[str], ...]


def _any(*texts: str) -> _Patterns:
    return (re.compile("|".join(f"(?:{text})" for text in texts)),)


_SENDER = _any(
    # About us, not about the reader, although the words look alike.
    r"sender (?:address )?(?:rejected|verify failed|verification|unknown|denied|does not exist|invalid|not (?:found|"
    r"exist))",
    r"unknown sender|invalid sender|sender'?s? (?:domain|address) (?:must|does|is|could)|sender domain",
    r"domain of sender|your (?:domain|ip|server|host|mail ?server|email) .{0,60}(?:block|list|reject|not allowed|"
    r"polic)",
    r"mail from .{0,60}(?:rejected|not allowed|not accepted|refused)|return path .{0,40}(?:unverif|invalid)",
    r"verify failed for sender|callback .{0,20}(?:fail|verif)|envelope sender .{0,40}(?:reject|invalid|unknown)",
    r"from domain .{0,40}(?:not|invalid)|sender .{0,30}not (?:authoriz|authoris|allow|permit)",
)
_OUR_RULES = _any(
    r"\bspf\b|\bdkim\b|\bdmarc\b|reverse dns|\brdns\b|\bptr\b|reverse (?:lookup|mapping)|fcrdns",
    r"5\.7\.(?:2[0-9]|30|509|515)\b|authentication (?:check|required|fail|result)|unauthenticated (?:email|mail|"
    r"sender)",
    r"helo (?:command|name|host)|\behlo\b.{0,30}(?:reject|invalid)|must issue a starttls|tls (?:is )?required",
    r"too many (?:connections|messages|recipients|errors|hops? from|emails)|rate.?limit|throttl|"
    r"exceeded .{0,30}(?:rate|connections)",
    r"greylist|graylist|grey-list|try again later.{0,40}polic|temporarily deferred due to",
)
_NO_USER = _any(
    r"(?:no|not?|non) such (?:user|person|address|mailbox|recipient|account|local|mail ?drop|customer|alias|name)",
    r"user (?:\S+ |'\S+' |\"\S+\" |<\S+> |\(\S+\) )?(?:is )?(?:unknown|not known|not found|doesn'?t exist|"
    r"does not exist|not exist|invalid|not listed|is not recogni[sz]ed)",
    r"unknown (?:or illegal |or invalid |local |address or |virtual |remote )?(?:user|recipient|mailbox|address|"
    r"account|alias|e-?mail|local.?part|local delivery|rcpt|destination mailbox)",
    r"(?:invalid|illegal|bad|incorrect|unrouteable|unroutable|undeliverable|nonexistent|non-existent|"
    r"non-existing) (?:recipient|mailbox|user|e-?mail address|address\b(?! ?syntax in)|account|destination|alias|"
    r"local)",
    r"recipients? (?:address )?(?:\S+ )?(?:was |is |were )?(?:not found|unknown|not known|does not exist|"
    r"doesn'?t exist|not exist|invalid|not recogni[sz]ed|is not (?:a )?valid|unavailable or unknown|not on file|"
    r"no longer (?:valid|exist))",
    r"recipient address rejected:? ?(?:user unknown|unknown|undeliverable|access denied\.? as\(|unverified address|"
    r"address lookup failed|.{0,20}does not exist|invalid|no such)",
    r"(?:mailbox|mail box|account|address|alias|e-?mail|inbox|login|rcpt to|recipient)\b.{0,70}?(?:does not exist|"
    r"doesn'?t exist|not exist|not found|no longer exists?|is (?:unknown|invalid|not valid|not recogni[sz]ed)|"
    r"has been (?:deleted|removed|closed)|unknown|no longer (?:valid|available|in use|active))",
    r"does ?n[o']t have an? (?:\S+ )?(?:account|mailbox)|no (?:mailbox|account|user|recipient|valid recipients?|"
    r"alias|record)s? (?:here|by|with|found|for|of|in|is|known)",
    r"(?:not|isn'?t) a (?:valid|known|registered|local|legal) (?:user|mailbox|recipient|address|account|e-?mail)",
    r"(?:not|isn'?t) (?:listed|our|one of our) (?:in|customer|user|client|subscriber)|user (?:lookup|look-up) fail|"
    r"not our customer",
    r"(?:couldn'?t|could not|can'?t|cannot|unable to|failed to) (?:be )?(?:find|locate|found|located|"
    r"resolve)\b.{0,40}(?:user|mailbox|recipient|account|address|person|alias)",
    r"(?:user|mailbox|recipient|address|account)\b.{0,60}(?:couldn'?t|could not|can'?t|cannot) be (?:found|located|"
    r"resolved)",
    r"there is no (?:one|user|mailbox|such|account|person|address|local)|nobody (?:here )?(?:by|with) (?:that|"
    r"this) name|no one (?:here )?(?:by|with)",
    r"sorry, no mailbox here|invalid final delivery userid|does not have a final email delivery point|"
    r"this (?:address|account|user) (?:no longer|does not|doesn'?t|is no longer)|addressee unknown|"
    r"resolver\.adr\.recip|recipnotfound|recipientnotfound|resolver\.adr\.externalrecipient|nosuchuser|user-unknown|"
    r"usr_unknown|aliasnotfound",
    r"mailbox (?:is )?(?:unavailable|not available)(?! \(?4)(?!.{0,40}(?:try again|tempor|busy|lock))|"
    r"requested action not taken: mailbox unavailable",
    r"not (?:in|listed in|found in) (?:the |our |domino |public )?(?:name ?& ?address|directory|address book|"
    r"name and address|table|alias table|user list|database)",
    r"said: 5\d\d.{0,20}rejected by recipient domain|all recipients (?:address rejected|are invalid|refused)|"
    r"delivery error: dd .{0,40}user|unrouteable address|illegal alias|invalid local part|badrcptto",
    r"550 #?5\.1\.1\b|5\.1\.10 recipient|#5\.1\.1 smtp|error 550 #5\.1\.0 address rejected|"
    r"\bdestination mailbox .{0,20}not|\bbad destination mailbox|"
    r"(?<!host )(?<!domain )(?<!server )\bname (?:is )?not (?:found|recogni[sz]ed)(?! by the dns)",
    # German, French, Hungarian, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Russian, Japanese, Chinese
    r"(?:empfänger|benutzer|postfach|adresse|empfaenger)\b.{0,50}(?:unbekannt|nicht gefunden|existiert nicht|"
    r"gibt es nicht|nicht vorhanden|ungültig|ungueltig|nicht bekannt)|unbekannte[rns]? (?:empfänger|benutzer|"
    r"adresse)|kein(?:e|en)? (?:solche[rns]? )?(?:benutzer|postfach|empfänger)|konnte nicht gefunden werden",
    r"(?:adresse|utilisateur|destinataire|boîte|boite|compte)\b.{0,60}(?:inconnue?|inexistante?|n'existe (?:pas|"
    r"plus)|introuvable|invalide|n'a pas été trouvé)|utilisateur inconnu",
    r"(?:címzett|felhasználó|postafiók|cím)\b.{0,50}(?:ismeretlen|nem létezik|nem található|nem talalhato|"
    r"nem letezik)|ismeretlen (?:címzett|felhasználó)|nincs ilyen (?:felhasználó|cím|postafiók|címzett)",
    r"(?:usuario|destinatario|cuenta|buzón|dirección|direccion)\b.{0,50}(?:desconocid|no existe|inexistente|"
    r"no encontrad|no válid|inválid|no se (?:encontró|encuentra|pudo encontrar))|usuario desconocido",
    r"(?:utente|destinatario|casella|indirizzo)\b.{0,50}(?:sconosciut|inesistente|non esiste|non trovat|non valid|"
    r"non è stato trovato)|utente sconosciuto",
    r"(?:usuário|destinatário|caixa|conta|endereço)\b.{0,50}(?:desconhecid|não existe|inexistente|não encontrad|"
    r"inválid|nao existe)",
    r"(?:gebruiker|ontvanger|postvak|adres)\b.{0,40}(?:onbekend|bestaat niet|niet gevonden|niet bekend)|"
    r"onbekende (?:gebruiker|ontvanger)",
    r"(?:użytkownik|adresat|skrzynka|konto|uživatel|schránka|příjemce)\b.{0,40}(?:nie istnieje|nieznan|neexistuje|"
    r"neznám|nie znalezion|nenalezen)",
    r"(?:пользовател|получател|адрес|ящик)\S*.{0,50}(?:не существует|не найден|неизвест|нет)|нет такого|несуществующ",
    r"(?:ユーザ|宛先|メールアドレス|アドレス|受信者|メールボックス)\S*(?:が|は)\S*"
    r"(?:見つかり|存在し|ありません|不明|登録されて)|宛先不明|該当するユーザ|unknown user account|"
    r"存在しません",
    r"(?:用户|用戶|收件人|邮箱|郵箱|帐号|邮件地址)\S{0,12}(?:不存在|未找到|无效|不正确|找不到|错误|不可用)|找不到(?:用户|收件人|邮箱)|不存在的(?:用户|邮箱)|没有此用户",
)
_FULL = _any(
    r"(?:mailbox|mail box|inbox|account|user|recipient|folder|maildir|storage|postbox|e-?mail box|"
    r"mail folder)\b.{0,60}(?:is )?(?:full|over ?quota|exceed|has no (?:space|room)|quota|over (?:its |"
    r"the )?(?:limit|allocated|size))",
    r"(?:over|exceed\w*|out of|beyond|reached) (?:the |its |his |their |my |your |allowed |allotted |"
    r"allocated )*(?:disk |mail ?box |storage |mail |message |inbox |account |hard |soft )*(?:quota|space|storage|"
    r"limit of the mailbox)|full (?:mailbox|mail box|inbox)|space not enough|quota.{0,30}(?:exceed|full|violat|"
    r"reached)|overquota|over-quota|mailbox_full|mailboxfull|quotaexceeded",
    r"(?:insufficient|not enough|no more|no) (?:system |disk |storage |mailbox |mail )*(?:space|storage|quota)|"
    r"disk (?:is )?full|storage (?:limit|exceeded)|out of (?:storage )?space|mail quota|too (?:much|many) (?:mail|"
    r"messages) (?:data|in)|message queue for this account is full|write error: disk quota|would exceed mailbox|"
    r"mailfolder is full|user is over|boxfull",
    r"postfach (?:ist )?(?:\S+ )?voll|speicherplatz|kontingent|boîte (?:\S+ ){0,4}(?:est )?pleine|"
    r"boite (?:\S+ ){0,4}pleine|quota dépassé|espace insuffisant|megtelt|betelt|tele van|kvóta|"
    r"buzón (?:\S+ )?(?:está )?lleno|cuota|casella (?:\S+ )?(?:è )?piena|caixa (?:\S+ )*(?:está )?cheia|"
    r"postvak (?:is )?vol|mailbox (?:is )?vol|przepełnion|přeplněn|переполнен|превышен|"
    r"容量|一杯|邮箱已满|空间不足|配额|満杯",
)
_INACTIVE = _any(
    r"(?:mailbox|account|user|address|recipient|e-?mail|domain)\b.{0,60}(?:disabled|deactivated|suspended|inactive|"
    r"not active|expired|locked|blocked for inactivity|temporarily (?:closed|unavailable|blocked)|is closed|dormant|"
    r"frozen|on hold|not activated|isn'?t active)",
    r"(?:disabled|inactive|suspended|deactivated|dormant|locked|expired) (?:mailbox|account|user|recipient|e-?mail|"
    r"address)|account (?:has been )?(?:disabled|closed)|currently suspended|has been (?:disabled|suspended|"
    r"deactivated)|mailbox for .{0,60} is disabled",
    r"not been (?:logged|accessed|used)|has not logged|discontinued|konto .{0,30}(?:gesperrt|deaktiviert)|gesperrt|"
    r"deaktiviert|désactivé|suspendu|felfüggesztve|letiltva|inaktív|cuenta .{0,30}(?:deshabilitada|suspendida|"
    r"inactiva)|disattivat|заблокирован|отключен|停用|冻结|禁用",
)
_MOVED = _any(
    r"(?:has|have|was) (?:been )?moved|address (?:has )?changed|new (?:e-?mail )?address (?:is|:)|"
    r"user (?:has )?moved|please (?:try|use|update|send .{0,20}to) (?:the |this |his |her |their |"
    r"my )?(?:new )?(?:address|e-?mail)|5\.1\.6\b|user not local; please try|has been replaced by|"
    r"no longer (?:works?|with|employed|at)\b|left the (?:company|organi[sz]ation|firm)|adresse hat sich geändert|"
    r"neue (?:e-?mail-?)?adresse|a changé d'adresse|nouvelle adresse|megváltozott",
)
_HOST = _any(
    r"(?:host|domain|name|destination)\b.{0,60}(?:unknown|not found|not known|does not exist|doesn'?t exist|"
    r"lookup fail|no mail exchanger|can'?t be resolved|could not be (?:found|resolved)|couldn'?t be found|not resolv|"
    r"invalid|is not (?:valid|registered))",
    r"(?:unknown|invalid|bad|illegal|unresolvable|unrouteable|nonexistent|no such|unroutable|unrouteable mail|"
    r"illegal host/) ?(?:host|domain|mail domain|name server)|name or service not known|name service error|nxdomain|"
    r"no (?:valid )?mx (?:record|or a|host)|null ?mx|no (?:a|mx) records?|domain name not found|"
    r"hostname nor servname|host or domain name|host_not_found|couldn'?t find any host|\bdns (?:error|"
    r"server returned|lookup|query)|5\.1\.2\b|does not accept mail|not accept(?:ing)? (?:any )?(?:mail|email)|"
    r"servname|no route to domain|no mail exchanger|mx lookup|all relevant mx records point to non-existent|"
    r"unrouteable domain|domain .{0,80}has no|lowest numbered mx",
    r"(?:domäne|domain|rechner|hôte|domaine|dominio|gazdagép|tartomány|домен)\S*.{0,40}(?:unbekannt|nicht gefunden|"
    r"existiert nicht|inconnu|introuvable|n'existe pas|no existe|non esiste|ismeretlen|nem található|не найден|"
    r"не существует)",
)
_BIG = _any(
    r"(?:message|mail|e-?mail|size|body|attachment)\b.{0,50}(?:too (?:large|big|long)|exceeds? .{0,30}(?:size|limit|"
    r"maxim|maxi)|larger than|size limit|over the maximum)|(?:maximum|max|fixed|permitted) (?:message |mail |"
    r"allowed )?size|size (?:of \S+ )?exceed|message_size|too (?:large|big) (?:message|for)|552 5\.3\.4|message size|"
    r"exceed.{0,30}message size|zu groß|trop (?:volumineux|gros|grand)|túl nagy|demasiado grande|troppo grande|"
    r"слишком велик|過大|サイズ|过大",
)
_SPAM = _any(
    r"\bspam|junk ?mail|unsolicited|bulk e?-?mail|black ?list|blocklist|block list|block-list|\bdnsbl\b|\brbl\b|"
    r"spamhaus|spamcop|sorbs|barracuda|cloudmark|senderscore|sender ?base|reputation|phish|virus|malware|suspicious|"
    r"abuse|unwanted|malicious|content filter|content.{0,20}(?:rejected|blocked|refused|denied)|listed (?:at|in|by|"
    r"on) |poor reputation|banned|high probability|considered (?:to be )?(?:uce|harmful)|surbl|uribl|"
    r"client host .{0,60}blocked|mail content denied|5\.7\.1 .{0,30}(?:message )?(?:blocked|content)|looks like|bulk|"
    r"hl:itc|ehlo .{0,20}block|ip .{0,40}block|block.{0,20}\bips?\b",
    r"垃圾|スパム|迷惑|спам|вирус|unerwünscht|indésirable|kéretlen|levélszemét|no deseado",
)
_RELAY = _any(
    r"relay(?:ing)? (?:is )?(?:access )?(?:denied|not permitted|prohibited|not allowed|refused|disabled|rejected|"
    r"failed|attempt)|unable to relay|cannot relay|can'?t relay|not permitted to relay|denied to relay|relay (?:not|"
    r"access)|we do not relay|not (?:a |an )?(?:open|gateway)|no relay|rcpthosts|not (?:local|a local) domain|"
    r"mail (?:to this )?domain not (?:handled|accepted|hosted)|does not relay|relay-?denied|"
    r"not configured to (?:accept|receive)|authentication is required for relay",
)
_EXPIRED = _any(
    r"delivery failed \d+ attempts|not been collected after|(?:expired|too long|retry time(?:out)?|retries|lifetime|"
    r"maximum (?:queue|time|retry)|time limit)\b.{0,60}(?:in (?:the )?queue|on (?:the )?queue|queue|exceeded|reached|"
    r"expired|attempt|deliver|failed)|(?:could not|couldn'?t|cannot|not) (?:be )?deliver(?:ed)? .{0,40}(?:for|within|"
    r"after|in) (?:\S+ ){1,3}(?:days?|hours?|weeks?)|(?:delivery|message|retry) (?:time ?expired|timed out|"
    r"time(?:out)? exceeded|has expired|expired)|message (?:has )?been in the queue too long|"
    r"i'?m not going to try again|been (?:in the )?(?:queue|queued) (?:too long|for)|delivery time expired|giving up|"
    r"undelivered for|wasn'?t able to .{0,40}after|retry timeout exceeded|zu lange in der warteschlange|expiré|"
    r"lejárt|caducado|scaduto",
)
_NETWORK = _any(
    r"connection (?:refused|timed out|reset|dropped|failed|closed|was (?:closed|dropped|refused)|died|lost|"
    r"to .{0,60} timed)|connect(?:ing)? to .{0,80}(?:refused|timed out|failed|time|unreachable|no route)|"
    r"no route to host|network (?:is )?unreachable|host (?:is )?unreachable|unreachable|lost connection|"
    r"timed? ?out while|operation timed out|server (?:is )?(?:busy|not responding|unavailable|down)|not responding|"
    r"system not accepting|temporary (?:lookup )?fail|could not (?:connect|reach)|couldn'?t (?:connect|reach|"
    r"contact)|unable to connect|cannot connect|wasn'?t able to establish|too many hops|hop count|loop|routing loop|"
    r"mail for .{0,80} loops back|loops back|refused to talk|service (?:not available|unavailable|closing)|"
    r"bad connection|smtp connection|deferred|no answer from host|name server.{0,20}(?:timeout|fail)|"
    r"host not reached|tls handshake|local (?:error|problem)|internal (?:error|server)|"
    r"resources? (?:temporarily )?(?:unavailable|exhausted)",
)
_CONTENT = _any(
    r"message (?:rejected|refused|blocked|filtered|contents?|not accepted)|(?:illegal|prohibited|forbidden|"
    r"disallowed|executable|blocked|unsupported|banned) (?:attachment|file|content|extension|character)|"
    r"header(?:s)? .{0,40}(?:invalid|missing|malformed|rejected|duplicate)|malformed|mime|conversion|(?:rfc ?5322|"
    r"rfc ?2822|5322)|8.?bit|attachment .{0,40}(?:not allowed|blocked|type)|line too long|bare lf|smtputf8|encoding",
)
_RULE = _any(
    r"polic(?:y|ies)|access (?:was |is )?denied|not (?:authori[sz]ed|allowed|permitted|accept)|prohibited|restricted|"
    r"administrative(?:ly)?|rejected (?:by|for|due)|refused|denied|forbidden|delivery not authori[sz]ed|whitelist|"
    r"white list|closed (?:list|group)|only accepts|permission|organization'?s|transport\.rules|blocked|moderat|"
    r"not (?:a )?member|unapproved|rejected|security",
)

WORDS: tuple[tuple[str, _Patterns], ...] = (
    ("policy", _SENDER),
    ("mailbox_full", _FULL),
    ("no_such_user", _NO_USER),
    ("inactive", _INACTIVE),
    ("relaying", _RELAY),
    ("host_unknown", _HOST),
    ("too_big", _BIG),
    ("moved", _MOVED),
    ("policy", _OUR_RULES),
    ("spam_block", _SPAM),
    ("expired", _EXPIRED),
    ("network", _NETWORK),
    ("content", _CONTENT),
    ("policy", _RULE),
)
