"""The words in which people ask for something by mail, in four languages; folded as `folded` folds a mail.

`STRONG` words mean the command wherever they stand; `WEAK` ones mean it only in a mail that says little else, because
letters begin with them too ("Help with the minutes"). `SMALL` words may stand beside a command and change nothing.
"""

import re
from collections.abc import Mapping

from balintmail.domain.mail_commands import Act

# A word is (what it asks for, its language).
STRONG: Mapping[str, tuple[Act, str]] = {
    **dict.fromkeys(
        ("unsubscribe", "unsubscribed", "unsubscribing", "unsubscription", "signoff", "optout", "takeoff", "nomore"),
        (Act.LEAVE, "en"),
    ),
    **dict.fromkeys(
        ("abmelden", "abbestellen", "abbestellung", "austragen", "austragung", "keinemehr"), (Act.LEAVE, "de")
    ),
    **dict.fromkeys(
        (
            *("desabonner", "desabonnez", "desabonne", "desabonnement", "desinscrire", "desinscrivez", "desinscris"),
            *("desinscription", "neplusrecevoir", "desinscrit"),
        ),
        (Act.LEAVE, "fr"),
    ),
    **dict.fromkeys(
        (
            *("leiratkozas", "leiratkozom", "leiratkozni", "leiratkoznek", "leiratkoznam", "leiratkozast"),
            *("leiratkoztatas", "iratkozzanakle"),
        ),
        (Act.LEAVE, "hu"),
    ),
    **dict.fromkeys(("subscribe", "subscribing", "signup"), (Act.JOIN, "en")),
    **dict.fromkeys(("abonnieren", "eintragen"), (Act.JOIN, "de")),
    **dict.fromkeys(("abonner", "abonnez", "abonne", "inscrivez", "inscrire"), (Act.JOIN, "fr")),
    **dict.fromkeys(
        ("feliratkozas", "feliratkozom", "feliratkozni", "feliratkoznek", "feliratkoznam", "feliratkozast"),
        (Act.JOIN, "hu"),
    ),
}
WEAK: Mapping[str, tuple[Act, str]] = {
    **dict.fromkeys(("leave", "leaving", "stop", "remove", "quit", "cancel", "delete"), (Act.LEAVE, "en")),
    **dict.fromkeys(("abmeldung", "kundigen", "kundigung", "austreten", "austritt", "loschen"), (Act.LEAVE, "de")),
    **dict.fromkeys(("quitter", "retirer", "retirez", "supprimer", "supprimez"), (Act.LEAVE, "fr")),
    **dict.fromkeys(
        ("kilepes", "kilepek", "kilepni", "lemondas", "lemondom", "torles", "torlest", "toroljenek"), (Act.LEAVE, "hu")
    ),
    **dict.fromkeys(("join", "joining", "subscription", "add"), (Act.JOIN, "en")),
    **dict.fromkeys(("anmelden", "anmeldung", "beitreten", "beitritt", "aufnehmen"), (Act.JOIN, "de")),
    **dict.fromkeys(("inscription", "abonnement", "rejoindre", "adherer", "ajoutez", "ajouter"), (Act.JOIN, "fr")),
    **dict.fromkeys(("csatlakozas", "csatlakozom", "csatlakozni", "csatlakoznek", "belepes"), (Act.JOIN, "hu")),
    **dict.fromkeys(("confirm", "confirmed", "confirmation", "confirming"), (Act.CONFIRM, "en")),
    **dict.fromkeys(("bestatigen", "bestatige", "bestatigt", "bestatigung"), (Act.CONFIRM, "de")),
    **dict.fromkeys(("confirmer", "confirme", "confirmez"), (Act.CONFIRM, "fr")),
    **dict.fromkeys(("megerosites", "megerositem", "megerositeni", "megerositve", "jovahagyom"), (Act.CONFIRM, "hu")),
    **dict.fromkeys(("help", "commands", "?"), (Act.HELP, "en")),
    **dict.fromkeys(("hilfe", "befehle"), (Act.HELP, "de")),
    **dict.fromkeys(("aide", "commandes"), (Act.HELP, "fr")),
    **dict.fromkeys(("segitseg", "sugo", "parancsok"), (Act.HELP, "hu")),
    **dict.fromkeys(("copy", "copies"), (Act.COPY, "en")),
    **dict.fromkeys(("kopie", "kopien", "exemplar"), (Act.COPY, "de")),
    **dict.fromkeys(("copie", "copies", "exemplaire"), (Act.COPY, "fr")),
    **dict.fromkeys(("masolat", "masolatot", "masolata", "masolatat", "peldany", "peldanyt"), (Act.COPY, "hu")),
}
# These ask for a copy only where a number stands beside them.
SENDING: Mapping[str, str] = {
    **dict.fromkeys(("send", "resend"), "en"),
    **dict.fromkeys(("schicken", "schicke", "schickt", "senden", "sende", "zusenden", "zuschicken"), "de"),
    **dict.fromkeys(("envoyer", "envoyez", "envoie"), "fr"),
    **dict.fromkeys(("kuldje", "kuldjek", "kuldjetek", "kuldd", "kuldeni", "szamot", "szamat", "elkuldeni"), "hu"),
}
# A weak word may be followed by the name of a list only in a line of PLAIN words, and only if it is one of NAMING.
_PLAIN = "please the from bitte vom von aus der svp s'il vous plait la le liste list kerem a az"
PLAIN = frozenset(_PLAIN.split())
NAMING = frozenset({"leave", "join", "csatlakozas", "quitter", "rejoindre", "anmelden", "anmeldung", "abmeldung"})
LATEST = frozenset({"latest", "last", "newest", "letzte", "letzten", "neueste", "neuesten", "aktuelle", "dernier",
                    "derniere", "utolso", "legutobbi", "legujabb"})  # fmt: skip
_NEGATIONS = (
    "not don't dont didn't didnt never cannot can't cant won't no nor without nicht kein keine keinen nie niemals "
    "ohne ne pas jamais sans non aucun nem ne soha nincs sem nelkul"
)
NEGATIONS = frozenset(_NEGATIONS.split())
# What verbs of several words become. Applied to a folded line; each pattern is bounded.
PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\bun[- ]subscri", "unsubscri"),
        (r"\bsign (?:me |us )?(?:off|out)\b", "signoff"),
        (r"\bsign(?:ing)? (?:me |us )?up\b", "signup"),
        (r"\bopt(?:ing)?[- ]?(?:me )?out\b", "optout"),
        (r"\b(?:take|taken|taking) (?:me |my [\w-]{1,20} |us )?off\b", "takeoff"),
        (r"\b(?:no (?:more|longer)|stop) (?:send(?:ing)? )?(?:me )?(?:any )?(?:e?-?mails?|newsletters?)\b", "nomore"),
        (r"\b(?:no longer|not|don't|do not) (?:want|wish|like) to (?:receive|get|have)\b", "nomore"),
        (r"\bmelden? (?:sie |ich )?(?:mich|uns)\b(.{0,80}?)\bab\b", r"abmelden \1"),
        (r"\bmelden? (?:sie |ich )?(?:mich|uns)\b(.{0,80}?)\ban\b", r"anmelden \1"),
        (r"\btragen? (?:sie |ich )?(?:mich|uns)\b(.{0,80}?)\baus\b", r"austragen \1"),
        (r"\btragen? (?:sie |ich )?(?:mich|uns)\b(.{0,80}?)\bein\b", r"eintragen \1"),
        (r"\b(?:nehmen? (?:sie )?(?:mich|uns)\b)(.{0,80}?)\bauf\b", r"aufnehmen \1"),
        (r"\b(?:nehmen? (?:sie )?(?:mich|uns)\b)(.{0,80}?)\b(?:heraus|raus)\b", r"austragen \1"),
        (r"\bbestellen? (?:ich )?(.{0,80}?)\bab\b", r"abbestellen \1"),
        (r"\bkeinen? (?:weiteren? )?(?:e?-?mails?|newsletter|rundbriefe?|post)( mehr)?\b", "keinemehr"),
        (r"\bne (?:veux |souhaite |desire |voudrais )?plus (?:vouloir )?recevoir\b", "neplusrecevoir"),
        (r"\bfel (?:szeretnek|szeretnem|akarok|kivanok) iratkozni\b", "feliratkozni"),
        (r"\ble (?:szeretnek|szeretnem|akarok|kivanok) iratkozni\b", "leiratkozni"),
        (r"\biratkoz(?:zanak|zatok|zon|zunk|tassanak|tassatok) (?:engem )?le\b", "leiratkozas"),
        (r"\biratkoz(?:zanak|zatok|zon|zunk|tassanak|tassatok) (?:engem )?fel\b", "feliratkozas"),
        (r"\bvegyenek (?:engem )?le\b", "leiratkozas"),
    )
)
_ENGLISH = (
    "please pls plz kindly i i'd i'll i'm would like want wish to me my myself us our the a an of from off out your "
    "you this that these it for with on in at be is are am and also thank thanks mailing list lists email e-mail "
    "emails e-mails mail mails address mailinglist newsletter newsletters news group number no. no nr # copy past back "
    "old issue could can will may just now immediately hello hi dear sir madam team all request any anymore more "
    "receive receiving get have further again via by subscribe subscriber yes ok okay"
)
_GERMAN = (
    "bitte ich mochte will wurde gerne gern mich mir uns von vom der die das den dem des diesem dieser diesen diese "
    "ihrem ihrer ihren ihre ihr euch eurem eurer euren eure sie aus fur zu zum zur im in an am auf mit und danke "
    "vielen dank liste verteiler mailingliste mailverteiler rundbrief rundbriefs rundbriefe adresse mailadresse "
    "mail-adresse e-mail-adresse emailadresse mein meine meiner meinem meinen kunftig sofort hiermit wieder jetzt mal "
    "einmal nummer nr. ausgabe konnten konnen bekommen erhalten haben eine einen ein werden lassen mehr hallo ja"
)
_FRENCH = (
    "s'il si vous te plait svp stp merci je aimerais voudrais souhaite veux desire me moi mon ma mes se nous de du des "
    "la le les a au aux une un cette ce cet votre vos toute tous liste diffusion lettre d'information information "
    "infolettre bulletin adresse courriel courriels numero n\N{DEGREE SIGN} no pouvez pourriez pouvez-vous "
    "pourriez-vous recevoir bonjour et mail m s l d j par il plus oui"
)
_HUNGARIAN = (
    "kerem kerek kerjuk kerlek koszonom koszi szeretnek szeretnem akarok kivanok a az egy errol arrol errol rola innen "
    "ide erre arra hirlevel hirlevelrol hirlevelrol hirlevelre hirlevelek hirlevelekrol hirlevelet hirleveluk "
    "hirleveletek listarol listara lista levelezolistarol levelezolistara levelezolista levlista levlistarol engem "
    "nekem cimem cimemet e-mail-cimemet e-mail-cimem email-cimemet szam szamu sz. meg fel el es is tobbe mar "
    "legyszives legyen szives udv szia igen"
)
SMALL = frozenset(" ".join((_ENGLISH, _GERMAN, _FRENCH, _HUNGARIAN)).split())
# The line that greets, before the first sentence.
GREETING = re.compile(
    r"^(?:dear|hello|hi|hey|good (?:morning|afternoon|evening|day)|to whom|sehr geehrte[rsn]?|liebe[rs]?|hallo|"
    r"guten (?:tag|morgen|abend)|gru[s\N{LATIN SMALL LETTER SHARP S}]{1,2}|servus|bonjour|bonsoir|madame|monsieur|"
    r"cher|chere|chers|kedves|tisztelt|szia|sziasztok|jo napot|udvozlom)\b.{0,80}$"
)
