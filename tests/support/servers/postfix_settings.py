"""The settings of the private Postfix: main.cf, master.cf and its doors, each an smtpd with manners of its own.

Known users are all but those whose name begins with `gone`. Sources: postconf(5), master(5). Used by postfix.py.
"""

NOBODY = 65534  # the user id that owns what is delivered
ALL_EXTENSIONS = "pipelining,chunking,size,vrfy,etrn,starttls,enhancedstatuscodes,8bitmime,dsn,smtputf8"
FEW = 16  # what the doors with a quota allow
# Door → what its smtpd is told beside main.cf.
DOORS: dict[str, list[str]] = {
    "all": [],
    "no pipelining": ["smtpd_discard_ehlo_keywords=pipelining"],
    "no chunking": ["smtpd_discard_ehlo_keywords=chunking"],
    "neither": ["smtpd_discard_ehlo_keywords=pipelining,chunking"],
    "nothing": [f"smtpd_discard_ehlo_keywords={ALL_EXTENSIONS}"],
    "strict": ["smtpd_hard_error_limit=4", "smtpd_soft_error_limit=1"],
    "strict, no pipelining": [
        "smtpd_hard_error_limit=4",
        "smtpd_soft_error_limit=1",
        "smtpd_discard_ehlo_keywords=pipelining",
    ],
    "severe": ["smtpd_hard_error_limit=1", "smtpd_soft_error_limit=1"],
    "grey": ["smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:{policy}"],
    "quota": [f"smtpd_client_message_rate_limit={FEW}"],
    "quota of recipients": [f"smtpd_client_recipient_rate_limit={FEW}"],
    "two connections": ["smtpd_client_connection_count_limit=2"],
    "three connections a minute": ["smtpd_client_connection_rate_limit=3"],
    "small": ["message_size_limit=20000"],
    "small, unsaid": ["message_size_limit=20000", "smtpd_discard_ehlo_keywords=size"],
    "picky": ["smtpd_recipient_restrictions=check_recipient_access regexp:{folder}/picky"],
    "picky at the end": ["smtpd_end_of_data_restrictions=check_recipient_access regexp:{folder}/picky"],
    "policy at the end": ["smtpd_end_of_data_restrictions=check_policy_service inet:127.0.0.1:{policy}"],
    "no smtputf8": ["smtpd_discard_ehlo_keywords=smtputf8"],
    "starttls": ["smtpd_tls_security_level=encrypt"],
    "no starttls": ["smtpd_discard_ehlo_keywords=starttls"],
    "tls": ["smtpd_tls_wrappermode=yes"],
    "login": [
        "smtpd_tls_security_level=encrypt",
        "smtpd_sasl_auth_enable=yes",
        "smtpd_sasl_type=dovecot",
        "smtpd_sasl_path=inet:127.0.0.1:{login}",
        "smtpd_tls_auth_only=yes",
        "mynetworks=",
        "smtpd_relay_restrictions=permit_sasl_authenticated, reject",
    ],
}
# What `picky` says to the recipients whose name begins so.
PICKY = {
    "full": "452 4.2.2 mailbox full",
    "away": "450 4.2.1 mailbox disabled for now",
    "brimful": "552 5.2.2 over quota",
    "closed": "550 5.2.1 mailbox disabled",
    "barred": "554 5.7.1 access denied",
    "moved": "551 5.1.6 moved away",
    "nomail": "521 5.3.2 takes no mail",
}
MAIN = """
compatibility_level = 3.6
config_directory = {folder}/conf
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
command_directory = {commands}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_client_event_limit_exceptions =
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/pem
smtpd_tls_received_header = yes
smtpd_tls_session_cache_database =
default_process_limit = 20
in_flow_delay = 0
service_throttle_time = 1s
virtual_mailbox_domains = static:ALL
virtual_mailbox_maps = regexp:{folder}/users
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
virtual_minimum_uid = 1
"""
# Known is whoever does not begin with "gone"; a look-up of a whole domain ("@example.org") finds nobody.
USERS = "!/^(gone|@)/ mail/\n"
MASTER = """
postlog   unix-dgram n - n - 1 postlogd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
error     unix - - n - - error
retry     unix - - n - - error
proxymap  unix - - n - - proxymap
virtual   unix - n n - - virtual
smtp      unix - - n - - smtp
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
showq     unix n - n - - showq
"""
