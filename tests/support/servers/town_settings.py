"""The settings of the town (town.py): Postfix as everybody's relay, Dovecot for three domains, Exim for the fourth.

Every address is taken at the door, as at many providers, so that whoever cannot be reached comes back as a report.
Sources: postconf(5), Dovecot's LMTP and quota pages, Exim's specification.
"""

DOVECOT_DOMAINS = ("alpha.example.org", "beta.example.org", "gamma.example.org")
EXIM_DOMAIN = "delta.example.net"
HOME = "balint.example.org"
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
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = none
smtp_tls_security_level = none
default_process_limit = 30
in_flow_delay = 0
service_throttle_time = 1s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
virtual_mailbox_domains = {domains} {home}
virtual_mailbox_maps = static:all
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
relay_domains = {exim_domain}
relay_recipient_maps =
transport_maps = inline:{{ {exim_domain}=smtp:[127.0.0.1]:{exim} }}
virtual_alias_maps = regexp:{folder}/aliases
lmtp_connection_cache_on_demand = yes
"""
# Whatever goes to the society's domain ends in one mailbox; what is before a plus in its name goes there by itself.
ALIASES = """\
/^(bounces([+].*)?@balint[.]example[.]org)$/ ${{1}}
/@balint[.]example[.]org$/ bounces@balint.example.org
"""
MASTER = "lmtp unix - - n - - lmtp\n127.0.0.1:{port} inet n - n - - smtpd\n"
USERDB = """userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
"""
EXIM = """
exim_user = {uid}
exim_group = {gid}
exim_path = {folder}/exim4
primary_hostname = mx.{exim_domain}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {exim}
keep_environment = LD_PRELOAD:LD_LIBRARY_PATH:NSS_WRAPPER_PASSWD:NSS_WRAPPER_GROUP
deliver_drop_privilege = true
queue_run_max = 4
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_keepalive = false
tls_advertise_hosts =
acl_smtp_rcpt = accept
acl_smtp_data = accept
host_lookup =
rfc1413_hosts =

begin acl
accept:
  accept

begin routers
elsewhere:
  driver = manualroute
  domains = ! {exim_domain}
  transport = smtp
  route_data = 127.0.0.1
  self = send
  no_more
left:
  driver = redirect
  local_parts = ^gone[0-9]*[02468]\\$
  allow_fail
  data = :fail: There is no such user here
away:
  driver = accept
  local_parts = ^away
  senders = ! :
  unseen
  transport = vacation
full:
  driver = accept
  local_parts = ^full
  transport = small
known:
  driver = accept
  local_parts = ! ^gone
  transport = maildir

begin transports
smtp:
  driver = smtp
  port = {postfix}
  allow_localhost
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  envelope_to_add
  user = {uid}
  group = {gid}
small:
  driver = appendfile
  maildir_format
  directory = {folder}/full
  create_directory
  quota = 1K
  user = {uid}
  group = {gid}
vacation:
  driver = autoreply
  to = $sender_address
  from = $local_part@$domain
  subject = Out of office: $h_subject:
  text = I am away until Monday and read no mail. In haste: 550 Example Street.
  user = {uid}
  group = {gid}
"""
