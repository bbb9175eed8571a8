"""How mail systems word their refusals: patterns by reason, the more telling first.

Written from the wording of Postfix, Exim, Sendmail, qmail, Courier, Exchange, Domino, GroupWise, James, the large
providers and their neighbours, in several languages. Matched against text that is `folded`, with blanks made single,
and, but for the words about spam, without what `bare` takes out: names of hosts, links and addresses hold no reasons.
"""

import re
import unicodedata

_Patterns = tuple[re.Pattern[str], ...]
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "’": "'"})


def folded(text: str) -> str:
    """Return `text` in small letters without the marks on them: many systems write "felhasznalo" for "felhasználó"."""
    text = text.casefold()
    if text.isascii():
        return text
    return _unmarked(text)


def _unmarked(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return unicodedata.normalize("NFC", "".join(one for one in apart if not unicodedata.combining(one)))


def _any(*texts: str) -> _Patterns:
    return (re.compile(_unmarked("|".join(f"(?:{text})" for text in texts))),)


# What looks like a reason and is none.
_NOISE = re.compile(
    r"https?://[^\s>\"'?]*(?:\?p=(?=\w)|\S*)|"
    r"\bunknown (?:error|reason|problem|status|failure|command|option|mail transport|delivery status|exception|"
    r"response|smtp|code|cause|network|mailer)\w*|"
    r"\(ex: [^()]{0,100}\)|for (?:further|more) (?:assistance|information)\b[^.]{0,120}|"
    r"if you (?:believe|feel|think) (?:that )?(?:this|you|the)\b[^.]{0,160}|"
    r"\(in reply to (?:end of )?[\w ]{0,30}(?:command)?\)|message-id: ?\S+|"
    r"(?:please )?check (?:that )?(?:the |your )?(?:recipient'?s? )?(?:e-?mail )?address[^.]{0,100}|"
    r"(?:please )?(?:check|verify|correct)\b[^.]{0,60}\btry(?:ing)? again"
)
_ADDRESS = re.compile(r"(?<![\w.+=-])[\w.!#$%&*+/=?^`{|}~-]{1,128}@[\w.-]{1,255}")
_HOST_NAME = re.compile(
    r"\b(host|server|mta|from|with|by|connect to|while talking to) [\w-]{1,63}(?:\.[\w-]{1,63}){1,10}\.?"
    r"(?: ?[\[(][^\])]{0,80}[\])])?(?::\d{2,5})?"
)
_HEDGE = re.compile(
    r"\b(?:(?:may|might|possibly|perhaps|either|probably)(?: not)? (?:be|have|has|exist|there)|could (?:be|have been))"
    r"\b.{0,90}"
)


def bare(plain: str) -> str:
    """Return `plain` (folded, single blanks) without links, addresses, names of hosts and standing remarks."""
    return _HOST_NAME.sub(r"\1 h", _ADDRESS.sub("a@b", _NOISE.sub(" ", plain)))


PASSING = re.compile(r"\btry (?:again )?later|\btry again\b|temporar(?:y|ily)\b|please retry|retry later|später erneut")


def unhedged(words: str) -> str:
    """Return bare `words` without what they only suppose: "the account may not exist"."""
    return _HEDGE.sub(" ", words)


_SENDER = _any(
    # About us, not about the reader, although the words look alike.
    r"sender (?:address )?(?:is )?(?:rejected|verify failed|verification|unknown|denied|does not exist|invalid|"
    r"not (?:found|exist)|refused|blocked|blacklisted)",
    r"unknown sender|invalid sender|bad sender|sender'?s? (?:domain|address) (?:must|does|is|could)|sender domain|"
    r"sending domain|sender'?s? (?:e-?mail )?address\b.{0,30}(?:invalid|not exist|not found|unknown|rejected)",
    r"domain of sender|your (?:domain|address) is (?:unknown|not)|your (?:domain|ip|server|host|mail ?server|"
    r"email) .{0,60}(?:block|black|list|reject|"
    r"not allowed|polic)",
    r"mail from .{0,60}(?:rejected|not allowed|not accepted|refused|does not exist|doesn'?t exist)|"
    r"return path .{0,40}(?:unverif|invalid)|does not like sender|access denied, bad",
    r"(?:verify|verification) failed (?:for|of) (?:the )?(?:sender|<?a@b.{0,80}sender)|callback .{0,20}(?:fail|verif)|"
    r"envelope sender .{0,40}(?:reject|invalid|unknown)|verification failed for <?a@b",
    r"from domain .{0,40}(?:not|invalid)|sender .{0,30}not (?:authoriz|authoris|allow|permit)|"
    r"domain name in sender|does not accept mail from|absender.{0,30}(?:abgelehnt|ungültig|gesperrt)",
    r"mailbox unavailable.{0,60}(?:invalid dns|spf|sender address|dkim|ptr|dns (?:mx|a)|blacklist|block)|"
    r"(?:mail|email) from (?:this|your) .{0,30}(?:rejected|blocked|not accepted)",
)
_OUR_RULES = _any(
    r"\bspf\b|\bdkim\b|\bdmarc\b|reverse dns|reverse hostname|\brdns\b|\bptr\b|reverse (?:lookup|mapping)|fcrdns|"
    r"cannot find your|client host rejected",
    r"5\.7\.(?:2[0-9]|30|509|515|511)\b|authentication (?:check|required|fail|result|level)|unauthenticated (?:email|"
    r"mail|sender)",
    r"helo (?:command|name|host)|\behlo\b.{0,30}(?:reject|invalid)|must issue a starttls|tls (?:is )?required",
    r"too many (?:connections|messages|recipients|errors|hops? from|emails|concurrent)|rate.?limit|throttl|"
    r"(?:turn on|enable|requires?|use) smtp auth|smtp authentication (?:is )?required|recipient'?s? preferences|"
    r"frequency limit|exceeded .{0,40}(?:rate\b|connections|per (?:hour|minute|day))|trop de connexions|"
    r"unusual rate|sending rate",
    r"gr[ea]y-?list|try again later.{0,40}polic|temporarily deferred due to|user complaints",
)
_NO_USER = _any(
    r"(?:no|not?|non) such (?:user|person|address|mailbox|recipient|account|local|mail ?drop|customer|alias|name)",
    r"user (?:\S+ |'\S+' |\"\S+\" |<\S+> |\(\S+\) )?(?:is )?(?:unknown|not known|not found|doesn'?t exist|"
    r"does not exist|not exist|invalid|not listed|is not recogni[sz]ed)",
    r"unknown (?:or illegal |or invalid |local |address or |virtual |remote )?(?:user|recipient|mailbox|address\b|"
    r"account|alias|e-?mail|local.?part|local delivery|rcpt|destination mailbox)",
    r"(?:invalid|illegal|bad|incorrect|unrouteable|unroutable|undeliverable|nonexistent|non-existent|"
    r"non-existing) (?:recipient|mailbox|user\b|e-?mail address|address\b(?! ?syntax in)|account|destination|alias|"
    r"local|to address)",
    r"recipients? (?:address )?(?:\S+ )?(?:was |is |were )?(?:not found|unknown|not known|does not exist|"
    r"doesn'?t exist|not exist|invalid|not recogni[sz]ed|is not (?:a )?valid|unavailable or unknown|not on file|"
    r"no longer (?:valid|exist))",
    r"recipient address rejected:? ?(?:user unknown|unknown|undeliverable|access denied\.? as\(|unverified address|"
    r"address lookup failed|.{0,20}does not exist|invalid|no such)|5\.4\.1 .{0,40}recipient address rejected: access",
    r"(?:mailbox|mail box|account|address|alias|e-?mail|inbox|login|rcpt to|recipient)\b.{0,70}?(?:does not exist|"
    r"doesn'?t exist|not exist|not found|no longer exists?|is (?:unknown|invalid|not valid|not recogni[sz]ed)|"
    r"has been (?:deleted|removed|closed)|unknown(?! (?:sender|host|domain))|no longer (?:valid|available|in use))",
    r"does ?n[o']t have an? (?:\S+ )?(?:account|mailbox)|no (?:mailbox|account|user|recipient|valid recipients?|"
    r"alias|record)s? (?:here|by|with|found|for|of|in|is|known)",
    r"(?:not|isn'?t) a (?:valid|known|registered|local|legal) (?:user|mailbox|recipient|address|account|e-?mail)",
    r"(?:not|isn'?t) (?:listed|our|one of our) (?:in|customer|user|client|subscriber)|user (?:lookup|look-up) fail|"
    r"not our customer|invalid user specified|user is unknown|as the user is unknown",
    r"(?:couldn'?t|could not|can'?t|cannot|unable to|failed to) (?:be )?(?:find|locate|found|located|"
    r"resolve)\b.{0,40}(?:user|mailbox|recipient|account|address|person|alias)",
    r"(?:user|mailbox|recipient|address|account)\b.{0,60}(?:couldn'?t|could not|can'?t|cannot) be (?:found|located|"
    r"resolved)|destination addresses were unknown|wasn'?t found at",
    r"a@b\S{0,3} (?:is )?(?:does not exist|doesn'?t exist|no longer exists|is not (?:known|local|valid)|unknown|"
    r"not found|is unknown|cannot be found|n'existe pas|existiert nicht|no existe|non esiste|nao existe|nem letezik)|"
    r"(?:account|mailbox|user) \S{0,60} ?is not local\b(?! *;)|no (?:user|person|mailbox) (?:is )?(?:named|called)|"
    r"(?:mailbox|account|user|address) (?:\S{1,60} )?(?:was|is) (?:deleted|removed|closed)\b|^(?:5\d\d )?not found$",
    r"(?:not|doesn'?t) know (?:the |this |that |any )?(?:such )?(?:user|recipient|address)|няма такъв|"
    r"there is no (?:one|user|mailbox|such|account|person|address|local)|nobody (?:here )?(?:by|with) (?:that|"
    r"this) name|no one (?:here )?(?:by|with)",
    r"sorry, no mailbox here|invalid final delivery userid|does not have a final email delivery point|"
    r"this (?:address|account|user) (?:no longer|does not|doesn'?t|is no longer) (?!active)|addressee unknown|"
    r"resolver\.adr\.(?:ex)?recip|recipnotfound|recipientnotfound|resolver\.adr\.externalrecipient|nosuchuser|"
    r"user-unknown|usr_unknown|aliasnotfound|bad-mailbox|user not found|addresses? failed: no",
    r"mailbox (?:is )?(?:unavailable|not available)(?! \(?4)(?!.{0,40}(?:try again|tempor|busy|lock))|"
    r"requested action not taken: mailbox unavailable",
    r"not (?:in|listed in|found in) (?:the |our |domino |public )?(?:name ?& ?address|directory|address book|"
    r"name and address|table|alias table|user list|database)",
    r"said: 5\d\d.{0,20}rejected by recipient domain|all recipients (?:address rejected|are invalid|refused)|"
    r"delivery error: dd .{0,40}user|unrouteable address|illegal alias|invalid local part|badrcptto",
    r"5\.1\.0 address rejected|no valid recipients?|"
    r"\bdestination mailbox .{0,20}not|\bbad destination mailbox|"
    r"(?<!host )(?<!domain )(?<!server )\bname (?:is |was )?not (?:found|recogni[sz]ed)(?! by the dns)",
    # German, French, Hungarian, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Russian, Japanese, Chinese …
    r"(?:empfänger|benutzer|postfach|adresse|empfaenger)\b.{0,50}(?:unbekannt|nicht gefunden|existiert nicht|"
    r"gibt es (?:hier |bei uns )?nicht|nicht vorhanden|ungültig|ungueltig|nicht bekannt|nicht im .{0,20}verzeichnis)|"
    r"unbekannte[rns]? (?:empfänger|benutzer|"
    r"adresse)|kein(?:e|en)? (?:solche[rns]? )?(?:benutzer|postfach|empfänger)|konnte nicht gefunden werden",
    r"(?:adresse|utilisateur|destinataire|boîte|boite|compte)\b.{0,60}(?:inconnue?|inexistante?|n'existe (?:pas|"
    r"plus)|introuvable|invalide|n'a pas été trouvé)|utilisateur inconnu",
    r"(?:címzett|felhasználó|postafiók|postaláda|fiók|e-?mail ?cím|cím)\w{0,6}\b.{0,50}(?:ismeretlen|nem létezik|"
    r"nem található|megszűnt|törölt|nem érvényes|érvénytelen)|(?:ismeretlen|nem létező|érvénytelen) (?:címzett|cím|"
    r"felhasználó|postafiók|postaláda|e-?mail)|nincs ilyen (?:felhasználó|cím|postafiók|postaláda|címzett|e-?mail)",
    r"(?:usuario|destinatario|cuenta|buzón|casilla|dirección)\b.{0,50}(?:desconocid|no existe|inexistente|"
    r"no encontrad|no válid|inválid|no se (?:encontró|encuentra|pudo encontrar|ha encontrado))|(?:usuario|"
    r"destinatario) desconocido",
    r"(?:utente|destinatario|casella|indirizzo)\b.{0,50}(?:sconosciut|inesistente|non esiste|non trovat|non valid|"
    r"non è stato trovato)|(?:utente|destinatario|indirizzo|casella) (?:sconosciut|inesistent)",
    r"(?:usuário|utilizador|destinatário|caixa|conta|endereço)\b.{0,50}(?:desconhecid|não existe|inexistente|"
    r"não (?:foi )?encontrad|inválid)",
    r"(?:gebruiker|ontvanger|geadresseerde|postvak|postbus|mailbox|(?:e-?)?mailadres|adres)\b.{0,40}(?:onbekend|"
    r"bestaat niet|niet gevonden|niet bekend)|"
    r"onbekende? (?:gebruiker|ontvanger|adres)",
    r"(?:użytkownik|adresat|odbiorc|skrzynk|konto|uživatel|schránk|mailbox|příjemce|adresá?t?|"
    r"používateľ)\w{0,4}\b.{0,40}"
    r"(?:nie istnieje|nieznan|neexistuje|neznám|nie znaleziono|nie został znalezion|nenalezen|neexistuj)|"
    r"(?:brak|nie ma) (?:takie(?:go|j) )?(?:użytkownika|skrzynki|adresu|konta|odbiorcy)|nieznany (?:użytkownik|"
    r"adresat)|"
    r"neznámý (?:uživatel|příjemce)|neexistující (?:uživatel|schránka)",
    r"(?:mottagare|användare|modtager|bruger|mottaker|bruker|postlåda|vastaanottaja|käyttäjä)\w*\b.{0,50}(?:okänd|"
    r"finns inte|hittades inte|ukendt|findes ikke|ukjent|finnes ikke|tuntematon|ei löydy|ei ole)|"
    r"(?:okänd|ukendt?|ukjent|tuntematon) (?:mottagare|användare|modtager|bruger|mottaker|bruker|adress?e?|"
    r"vastaanottaja|käyttäjä)",
    r"(?:kullanıcı|alıcı|posta kutusu|adres)\w*.{0,40}(?:bulunamadı|bilinmiyor|yok|geçersiz)|(?:χρήστης|"
    r"παραλήπτης).{0,40}(?:άγνωστ|"
    r"δεν υπάρχει)",
    r"(?:пользовател|получател|адрес|ящик)\S*.{0,50}(?:не существует|не найден|неизвест|нет)|нет такого|несуществующ",
    r"(?:ユーザ|宛先|メールアドレス|アドレス|受信者|メールボックス)\S*(?:が|は)\S*"
    r"(?:見つかり|存在し|ありません|不明|登録されて)|宛先不明|不明です|該当するユーザ|unknown user account|"
    r"(?:存在(?:し|いたし)ません|見つかりません(?!でした.{0,20}サーバ))|ユーザが見つかりません",
    r"(?:用户|用戶|收件人|邮箱|郵箱|帐号|邮件地址|收件地址|使用者|收信人)\S{0,12}(?:不存在|未找到|无效|不正确|找不到|错误)|"
    r"找不到(?:用户|收件人|邮箱)|不存在的(?:用户|邮箱)|没有此用户|無此(?:用戶|使用者)|查無此人",
    r"존재하지 ?않는|없는 (?:사용자|메일|주소)|수신자를 찾을 수 없|사용자가 없",
)
_CODE_OF_NOBODY = _any(r"550 #?5\.1\.1\b|5\.1\.10 recipient|#5\.1\.1 smtp")
_FULL = _any(
    r"(?:mailbox|mail box|inbox|account|user|recipient|folder|maildir|storage|postbox|e-?mail box|"
    r"mail folder)\b.{0,60}(?:is )?(?:\bfull\b|over ?quota|exceeds? (?:the )?(?:allowed|maximum|its|his|storage|quota|"
    r"allotted|disk)|has no (?:space|room)|quota|over (?:its |the )?(?:limit|allocated|size)|out of (?:storage|space))",
    r"(?:over|exceed\w*|out of|beyond|reached) (?:the |its |his |their |my |your |allowed |allotted |"
    r"allocated )*(?:disk |mail ?box |storage |mail |inbox |account |hard |soft )*(?:quota|space|storage|"
    r"limit of the mailbox)|full (?:mailbox|mail box|inbox)|space not enough|quota.{0,30}(?:exceed|full|violat|"
    r"reached)|overquota|over-quota|mailbox_full|mailboxfull|quotaexceeded|quota-issues|"
    r"in recipient'?s? mailbox exceeded",
    r"(?:insufficient|not enough|no more|no) (?:disk |storage |mailbox |mail )+(?:space|storage|quota)|"
    r"disk (?:is )?full|storage (?:limit|exceeded)|out of (?:storage )?space|mail quota|too (?:much|many) (?:mail|"
    r"messages) (?:data|in)|message queue for this account is full|write error: disk quota|would exceed mailbox|"
    r"mailfolder is (?:full|over)|user is over|boxfull",
    r"(?:postfach|mailbox|speicher)\w*\b.{0,40}\b(?:voll\b|überfüllt|überschritten)|speicherplatz|kontingent|"
    r"quota .{0,20}überschritten|zu ?viele (?:e-?)?(?:mails|nachrichten)|too much mail|"
    r"boîte\b.{0,50}\b(?:pleine|saturée)|quota .{0,20}dépassé|espace insuffisant|megtelt|betelt|tele van|kvóta|"
    r"(?:buzón|casilla)\b.{0,40}\bllen[oa]\b|cuota|espacio insuficiente|(?:casella|mailbox)\b.{0,40}\bpiena\b|"
    r"spazio (?:insufficiente|esaurito)|caixa\b.{0,50}\bcheia\b|quota excedida|"
    r"(?:postvak|postbus|mailbox|inbox)\b.{0,40}\bvol\b|przepełnion|schránk\w*\b.{0,30}\bpln|přeplněn|preplnen|"
    r"переполнен|превышен|"
    r"postlåda.{0,15}full|(?:postkasse|innboks|indbakke)\w*.{0,20}(?:fuld|full)|posta kutusu.{0,15}dolu|"
    r"postilaatikko.{0,15}täynnä|(?:メールボックス|受信箱|受信ボックス|ボックス)\S{0,12}(?:いっぱい|一杯|満杯|満タン|オーバー)|"
    r"容量|一杯|邮箱已满|郵箱已滿|信箱已滿|空间不足|配额|満杯|已满|已滿|용량",
)
_INACTIVE = _any(
    r"(?:mailbox|account|user|subscriber|recipient|address|e-?mail|domain)s?\b.{0,45}(?:disabled|deactivated|"
    r"suspended|inactive|"
    r"not active|expired|\blocked|blocked for inactivity|blocked due to inactivity|temporarily (?:closed|unavailable|"
    r"blocked|limited)|dormant|frozen|on hold|not activated|isn'?t active|not have .{0,30} active|no longer active)",
    r"(?:disabled|inactive|suspended|deactivated|dormant|locked|expired) (?:mailbox|account|user|recipient|e-?mail|"
    r"address)|(?:account|mailbox) (?:has been |is )?(?:disabled|closed)|currently suspended|"
    r"has been (?:disabled|suspended|deactivated)|mailbox for .{0,60} is disabled|accountdisabled|mailboxdisabled|"
    r"disableduser|inactive-mailbox",
    r"not been (?:logged|accessed|used)|has not logged|discontinued|konto .{0,30}(?:gesperrt|deaktiviert)|gesperrt|"
    r"deaktiviert|désactivé|desactivee|suspendu|felfüggesztve|letiltva|inaktív|cuenta .{0,30}(?:deshabilitada|"
    r"suspendida|inactiva)|disattivat|заблокирован|отключен|停用|冻结|禁用|suppression list",
)
_NOT_ACTIVE_OR_UNKNOWN = _any(r"unknown or (?:not active|inactive|disabled)|user unknown; .{0,20}inactive")
_MOVED = _any(
    r"a@b has changed (?:his |her |their )?address|(?:has|have|was) (?:been )?moved(?! to (?:the )?(?:spam|junk|"
    r"quarantine))|address (?:has )?changed|"
    r"new (?:e-?mail )?address (?:is|:)|user (?:has )?moved|please (?:try|use|update|send .{0,20}to) (?:the |this |"
    r"his |her |their |my )?new (?:address|e-?mail)|5\.1\.6\b|user not local; please try|has been replaced by|"
    r"no longer (?:works?|with|employed|at)\b|left the (?:company|organi[sz]ation|firm)|adresse hat sich geändert|"
    r"neue (?:e-?mail-?)?adresse|a changé d'adresse|nouvelle adresse|megváltozott",
)
_DNS_FOR_NOW = _any(
    r"servfail|dns (?:lookup |query |error|server)\w*.{0,60}(?:time|tempor|fail(?:ed|ure)?\b.{0,20}(?:tempor|try))|"
    r"(?:lookup|resolution|resolver) (?:has )?(?:failed temporarily|timed? ?out|failure: temp)|"
    r"host name lookup failure|deferred: name server|temporary (?:lookup|name|dns|failure in name)|"
    r"host not found, try again|cname lookup failed temporarily|"
    r"name server.{0,20}(?:timeout|time ?out|fail)|unable to (?:look ?up|resolve).{0,60}(?:tempor|try again)",
)
_HOST = _any(
    r"(?:host|domain|destination|host ?name|domain name)(?: name)? (?:\S{1,80} ){0,2}(?:is |was )?(?:unknown|not found|"
    r"not known|does not exist|doesn'?t exist|lookup fail|no mail exchanger|can'?t be resolved|could not be (?:found|"
    r"resolved)|couldn'?t be found|not resolv|invalid|is not (?:valid|registered))",
    r"(?:unknown|invalid|illegal|unresolvable|unrouteable|nonexistent|no such|unroutable|unrouteable mail|"
    r"illegal host/) ?(?:host|domain|mail domain)(?! name)|name or service not known|name service error|nxdomain|"
    r"no (?:valid )?mx (?:record|or a|host|for)|null ?mx|no (?:a|mx) records?|domain name not found|"
    r"hostname nor servname|host or domain name|host_not_found|(?:couldn'?t|could not|unable to|cannot) find (?:any |"
    r"a |"
    r"the )?(?:host|domain)|non-?existent ?domain|\bdns (?:error|"
    r"server returned)|5\.1\.2\b|does not accept (?:any )?(?:e-?)?mail\b(?! from)|servname|"
    r"no route (?:found )?to domain|"
    r"no mail exchanger|mx lookup|all relevant mx records point to non-existent|"
    r"unrouteable domain|domain \S{1,80} has no|lowest numbered mx|bad-domain|couldn'?t be found\. check for typos",
    r"(?:domäne|domain|rechner|hôte|domaine|dominio|gazdagép|tartomány|домен)\S*.{0,40}(?:unbekannt|nicht gefunden|"
    r"existiert nicht|inconnu|introuvable|n'existe pas|no existe|non esiste|ismeretlen|nem található|не найден|"
    r"не существует)",
)
_BIG = _any(
    r"(?:message|mail|e-?mail|size|body|attachment)s?\b.{0,50}(?:too (?:large|big)|exceeds? .{0,30}(?:size|limit|"
    r"maxim|maxi)|larger than|size limit|over the maximum)|(?:maximum|max|fixed|permitted) (?:message |mail |"
    r"allowed )?size|size (?:of \S+ )?exceed|message_size|too (?:large|big) (?:message|for)|552 5\.3\.4|message size|"
    r"exceed.{0,30}message size|message is too long|size limit exceeded|zu groß|"
    r"(?:nachrichten|maximale|zulässige)\w* ?größe|größe .{0,40}überschreitet|trop (?:volumineu|gros|grand|lourd)|"
    r"taille .{0,40}(?:dépass|limite|maxim|excess)|túl nagy|méret\w* .{0,40}(?:meghalad|túllép)|"
    r"demasiado grande|tamaño .{0,40}(?:máximo|permitido|límite|exced)|(?:supera|excede) el tamaño|troppo grande|"
    r"dimension[ei] .{0,30}(?:massim|super|eccede|consentit)|tamanho .{0,40}(?:máximo|permitido|limite|exced)|"
    r"te groot|zbyt duż|za duż|příliš velk|for stor\b|för stor|liian suuri|çok büyük|слишком (?:велик|больш)|過大|"
    r"サイズ|过大|太大|너무 (?:큽|커)",
)
_SPAM = _any(
    r"\bspam|junk ?mail|unsolicited|bulk e?-?mail|black ?list|blocklist|block list|block-list|\bdnsbl\b|\brbl\b|"
    r"spamhaus|spamcop|sorbs|barracuda(?!networks)|cloudmark|senderscore|sender ?base|reputation|phish|virus|malware|"
    r"suspicious|\bis listed\b|dynamic (?:ip|pool|address)|generally do not accept e?-?mail from|hvu:b|"
    r"rly:[a-z]{1,2}\d|"
    r"\babuse\b(?! at)|unwanted|malicious|content filter|content.{0,20}(?:rejected|blocked|refused|denied)|"
    r"listed (?:at|in|by|on) |poor reputation|banned|high probability|considered (?:to be )?(?:uce|harmful)|surbl|"
    r"uribl|client host .{0,60}blocked|mail content denied|5\.7\.1 .{0,30}(?:message )?blocked(?! by policy)|"
    r"looks like|bulk|"
    r"hl:itc|ehlo .{0,20}block|ip .{0,40}block|block.{0,20}\bips?\b|ipcheck|\bbl\)|"
    r"\b(?:dt|mi|rp|hl|mx):[a-z]{2,4}\b|suspected|ip=[\d.]+ - a problem|\bube\b",
    r"垃圾|スパム|迷惑|спам|вирус|unerwünscht|indésirable|kéretlen|levélszemét|no deseado",
)
_RELAY = _any(
    r"relay(?:ing)? (?:is )?(?:access )?(?:denied|not permitted|prohibited|not allowed|refused|disabled|disallowed|"
    r"rejected|failed|attempt)|unable to relay|cannot relay|can'?t relay|not permitted to relay|denied to relay|"
    r"relay (?:not|access)|we do not relay|not (?:a |an )?(?:open|gateway)|no relay|rcpthosts|"
    r"not (?:local|a local) domain|mail (?:to this )?domain not (?:handled|accepted|hosted)|does not relay|"
    r"relay-?denied|not configured to (?:accept|receive)|authentication is required for relay",
)
_EXPIRED = _any(
    r"delivery failed \d+ attempts|not been collected after|(?:expired|too long|retry time(?:out)?|retries|lifetime|"
    r"maximum (?:queue|time|retry)|time limit)\b.{0,60}(?:in (?:the )?queue|on (?:the )?queue|queue|exceeded|reached|"
    r"expired|attempt|deliver|failed)|(?:could not|couldn'?t|cannot|not) (?:be )?deliver(?:ed)? .{0,40}(?:for|within|"
    r"after|in) (?:\S+ ){1,3}(?:days?|hours?|weeks?)|(?:delivery|message|retry) (?:time ?expired|timed out|"
    r"time(?:out)? exceeded|has expired|expired)|(?:message )?(?:has )?been in the queue too long|"
    r"i'?m not going to try again|been (?:in the )?(?:queue|queued) (?:too long|for)|delivery time expired|"
    r"undelivered for|hosts have been failing for a long time|wasn'?t able to .{0,40}after|retry timeout exceeded|"
    r"zu lange in der warteschlange|(?:a|est|"
    r"ont) expiré|"
    r"queue\.expired|lejárt|caducado|scaduto|message-expired",
)
_NETWORK = _any(
    r"connection (?:refused|timed? ?out|reset|dropped|failed|closed|was (?:closed|dropped|refused)|died|lost|"
    r"to .{0,60} timed)|connect(?:ing)? to .{0,80}(?:refused|timed out|failed|time|unreachable|no route)|"
    r"no route to host|network (?:is )?unreachable|host (?:is )?(?:unreachable|not reachable)|unreachable|"
    r"lost connection|not reachable|accept our requests to connect|: timed out\b|"
    r"timed? ?out while|operation timed out|server (?:is )?(?:busy|not responding|unavailable|down)|not responding|"
    r"system not accepting|temporary (?:lookup )?fail|could not (?:connect|reach)|couldn'?t (?:connect|reach|"
    r"contact)|unable to connect|cannot connect|wasn'?t able to establish|too many hops|hop count|\bloop|"
    r"number of 'received:'|maximum hop|read error from|"
    r"mail for .{0,80} loops back|loops back|refused to talk|service (?:not available|unavailable|closing)|"
    r"bad connection|smtp connection|deferred|no answer from host|"
    r"host not reached|tls handshake|(?:local|system|configuration) (?:error|problem|failure)|"
    r"internal (?:error|server)|temporary (?:server|system) (?:error|failure)|insufficient system (?:storage|"
    r"resources)|"
    r"no space left|out of memory|: timeout\b|"
    r"(?:queue file )?write error|server configuration error|database unavailable|best-preference mx|"
    r"resources? (?:are )?(?:temporarily )?(?:unavailable|exhausted)",
)
_CONTENT = _any(
    r"message (?:refused|filtered|contents?|not accepted)|(?:illegal|prohibited|forbidden|"
    r"disallowed|executable|blocked|unsupported|banned) (?:attachment|file|content|extension|character)|"
    r"header(?:s)? .{0,40}(?:invalid|missing|malformed|rejected|duplicate)|malformed|\bmime\b|conversion|"
    r"(?:rfc ?5322|rfc ?2822|5322)|8.?bit|attachment .{0,40}(?:not allowed|blocked|type)|line too long|bare lf|"
    r"syntax check|duplicate header|bare ?line|smtputf8|encoding|content restriction",
)
_RULE = _any(
    r"受信拒否|拒否(?:され|設定)|拒收|拒绝|拒絕|거부|abgelehnt|abgewiesen|zurückgewiesen|verweigert|refusé|rejeté|rechazad|"
    r"rifiutat|respinto|recusad|rejeitad|odrzucon|odmítnut|elutasít|visszautasít|geweigerd|avvisat|avvist|отклон|"
    r"отказано|settings (?:do not|don'?t) allow|polic(?:y|ies)|access (?:was |is )?denied|not (?:authori[sz]ed|"
    r"allowed|permitted|accept)|prohibited|restricted|"
    r"administrative(?:ly)?|rejected (?:by|for|due)|refused|denied|forbidden|delivery not authori[sz]ed|whitelist|"
    r"filter that rejects|white list|closed (?:list|group)|only accepts|permission|organization'?s|transport\.rules|"
    r"blocked|moderat|"
    r"not (?:a )?member|not subscribed|unapproved|rejected|security|tls is required|tls.{0,20}not (?:offered|"
    r"available)",
)

WORDS: tuple[tuple[str, _Patterns], ...] = (
    ("policy", _SENDER),
    ("mailbox_full", _FULL),
    ("no_such_user", _NOT_ACTIVE_OR_UNKNOWN),
    ("inactive", _INACTIVE),
    ("no_such_user", _NO_USER),
    ("relaying", _RELAY),
    ("expired", _EXPIRED),
    ("network", _DNS_FOR_NOW),
    ("host_unknown", _HOST),
    ("too_big", _BIG),
    ("moved", _MOVED),
    ("policy", _OUR_RULES),
    ("spam_block", _SPAM),
    ("network", _NETWORK),
    ("no_such_user", _CODE_OF_NOBODY),
    ("content", _CONTENT),
    ("policy", _RULE),
)
WITH_NAMES = frozenset({"spam_block"})  # a block list is known by its name, which looks like a host's
