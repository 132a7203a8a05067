#!/bin/bash
# A real HTCondor pool on one machine: pool.sh up | down | reset | status | wait
#   | start HOST | stop HOST | exec HOST CMD... | as USER HOST CMD... | portal CMD...
#   | relay [PORT] | settings PORT | token IDENTITY | logs HOST
# up:     network namespaces on a private bridge (10.77.0.0/24, no route out), one set of
#         namespaces per host, shared /home, pool key and id tokens, users, ssh keys.
# portal: run a command in a further network namespace that reaches the hosts (10.77.0.2).
# relay:  the login host's sshd on a port of 127.0.0.1, until interrupted.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BASE=${TESTPOOL_BASE:-${TESTPOOL_HOME:-/var/cache/vispa-testpool}/base}
RUN=${TESTPOOL_RUN:-${TESTPOOL_HOME:-/var/cache/vispa-testpool}/run}
TUNING=${TESTPOOL_TUNING:-40-fast}
DOMAIN=pool.test NET=${TESTPOOL_NET:-10.77.0} P=${TESTPOOL_NAME:-vispa}
hosts() { sed 's/#.*//' "$HERE/${TESTPOOL_HOSTS:-hosts.txt}" | awk 'NF'; }
cm() { hosts | awk '$3 ~ /20-cm/{print $1; exit}'; }
users() { sed 's/#.*//' "$HERE/users.txt" | awk 'NF'; }
init_pid() {  # the host's PID 1 as the machine sees it
  local p; p=$(cat "$RUN/$1/pid" 2>/dev/null) || return 1
  # the pid is that of unshare; its one child is PID 1 of the host
  local c; c=$(cat "/proc/$p/task/$p/children" 2>/dev/null) || return 1
  c=${c%% *}; [ -n "$c" ] && echo "$c"; }
in_host() { local h=$1 p; shift; p=$(init_pid "$h") || { echo "host $h is down" >&2; return 1; }
  nsenter -t "$p" -m -u -i -n -p --root="/proc/$p/root" --wdns=/ -- "$@"; }

write_host() {  # HOST ROLES: files that make the host what it is
  local h=$1 roles=$2 u="$RUN/$1/upper"
  mkdir -p "$u/etc/condor/config.d" "$u/etc/condor/passwords.d" "$u/etc/condor/tokens.d" "$u/etc/ssh"
  rm -f "$u"/etc/condor/config.d/*; cp "$HERE/config/10-common.config" "$u/etc/condor/config.d/"
  echo "CONDOR_HOST = $(cm).$DOMAIN" > "$u/etc/condor/config.d/05-pool.config"
  local r; for r in ${roles//,/ } $TUNING; do cp "$HERE/config/$r.config" "$u/etc/condor/config.d/"; done
  install -m 600 "$RUN/keys/POOL" "$u/etc/condor/passwords.d/POOL"
  [ ! -e "$RUN/keys/daemon.token" ] || install -m 600 "$RUN/keys/daemon.token" "$u/etc/condor/tokens.d/daemon"
  { echo "127.0.0.1 localhost"; hosts | while read -r n o _; do echo "$NET.$o $n.$DOMAIN $n"; done; } > "$u/etc/hosts"
  echo "$h.$DOMAIN" > "$u/etc/hostname"; : > "$u/etc/resolv.conf"; : > "$u/etc/motd"
  # users: the same on every host, as a directory service would have it
  cp "$BASE/etc/passwd" "$BASE/etc/group" "$BASE/etc/shadow" "$u/etc/"
  users | while read -r n uid g gid; do
    echo "$n:x:$uid:$gid:$n:/home/$n:/bin/bash" >> "$u/etc/passwd"
    echo "$n:*:20000:0:99999:7:::" >> "$u/etc/shadow"
    grep -q "^$g:" "$u/etc/group" || echo "$g:x:$gid:" >> "$u/etc/group"
  done
  users | awk '{print "*", $1, $3}' > "$u/etc/condor/accounting.map"
  cp "$RUN/keys/ssh_host_ed25519_key" "$RUN/keys/ssh_host_ed25519_key.pub" "$u/etc/ssh/"
  mkdir -p "$u/etc/ssh/sshd_config.d"
  printf '%s\n' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'UseDNS no' \
    'MaxSessions 100' 'MaxStartups 100:30:200' 'HostKey /etc/ssh/ssh_host_ed25519_key' \
    'PrintMotd no' 'PrintLastLog no' > "$u/etc/ssh/sshd_config.d/pool.conf"
}

up() {
  [ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 1; }
  "$HERE/build-rootfs.sh" "$BASE"
  down >/dev/null 2>&1 || :
  mkdir -p "$RUN/keys" "$RUN/home"; chmod 711 "$RUN"; chmod 700 "$RUN/keys"; chmod 755 "$RUN/home"
  [ -e "$RUN/keys/POOL" ] || { head -c 48 /dev/urandom | base64 -w0 > "$RUN/keys/POOL"; chmod 600 "$RUN/keys/POOL"; }
  [ -e "$RUN/keys/ssh_host_ed25519_key" ] || ssh-keygen -q -t ed25519 -N '' -C "$DOMAIN" -f "$RUN/keys/ssh_host_ed25519_key"
  users | while read -r n uid g gid; do
    local hd="$RUN/home/$n"
    [ -e "$RUN/keys/id_$n" ] || ssh-keygen -q -t ed25519 -N '' -C "$n" -f "$RUN/keys/id_$n"
    if [ ! -e "$hd" ]; then
      mkdir -p "$hd/.ssh"; cp "$BASE"/etc/skel/.[a-z]* "$hd/"; chmod 700 "$hd" "$hd/.ssh"
      cp "$RUN/keys/id_$n.pub" "$hd/.ssh/authorized_keys"; chown -R "$uid:$gid" "$hd"
    fi
  done
  # one id token for the daemons, signed with the pool's key
  if [ ! -e "$RUN/keys/daemon.token" ]; then
    local t="$RUN/keys/daemon.token"
    ( umask 077; token "condor@$DOMAIN" > "$t.new"; mv "$t.new" "$t" )
  fi
  hosts | while read -r h o roles ssh; do
    mkdir -p "$RUN/$h/upper" "$RUN/$h/work" "$RUN/$h/root"; write_host "$h" "$roles"; done
  # the private switch
  ip netns add $P-net; ip -n $P-net link set lo up
  ip -n $P-net link add br0 type bridge; ip -n $P-net link set br0 up
  { hosts; echo "portal 2 - no"; } | while read -r h o _; do
    ip netns add $P-$h; ip -n $P-$h link set lo up
    ip -n $P-$h link add eth0 type veth peer name v-$h netns $P-net
    ip -n $P-net link set v-$h master br0 up
    ip -n $P-$h addr add $NET.$o/24 dev eth0; ip -n $P-$h link set eth0 up
  done
  # programs of the portal's namespace find the hosts by name
  mkdir -p /etc/netns/$P-portal
  { cat /etc/hosts; hosts | while read -r n o _; do echo "$NET.$o $n.$DOMAIN $n"; done; } > /etc/netns/$P-portal/hosts
  for h in $(hosts | awk '{print $1}'); do start "$h"; done
}
start() {  # HOST
  local ssh; ssh=$(hosts | awk -v h="$1" '$1==h{print $4}')
  # (not "ip netns exec": that hides the cgroups behind a fresh /sys)
  setsid nsenter --net=/run/netns/$P-$1 unshare --mount --uts --pid --ipc --fork --kill-child=KILL \
    "$HERE/host-init.sh" "$1" "$ssh" "$BASE" "$RUN" "$DOMAIN" > "$RUN/$1/boot.log" 2>&1 < /dev/null &
  echo $! > "$RUN/$1/pid"
}
stop() {  # HOST: as if the power went; every process of the host ends with its PID 1
  local p c; p=$(cat "$RUN/$1/pid" 2>/dev/null) || return 0
  c=$(init_pid "$1" || :)
  [ -z "$c" ] || kill -KILL "$c" 2>/dev/null || :
  # gone, or only waiting for the machine's init to notice
  for _ in $(seq 100); do grep -q '^State:.[^Z]' "/proc/$p/status" 2>/dev/null || break; sleep 0.05; done
  rm -f "$RUN/$1/pid"
}
token() {  # IDENTITY [LIFETIME]: an id token signed with the pool's key, made in the base system
  unshare --mount bash -c 'mount --make-rprivate /; R=$1
    mount -t tmpfs tmpfs "$R/tmp"; install -m 600 "$2" "$R/tmp/POOL"
    chroot "$R" env _CONDOR_SEC_TOKEN_POOL_SIGNING_KEY_FILE=/tmp/POOL _CONDOR_SEC_PASSWORD_DIRECTORY=/tmp \
      _CONDOR_TRUST_DOMAIN="$4" _CONDOR_UID_DOMAIN="$4" condor_token_create -identity "$3" ${5:+-lifetime $5}
  ' token "$BASE" "$RUN/keys/POOL" "$1" "$DOMAIN" "${2:-}"; }
down() {
  for h in $(hosts | awk '{print $1}'); do stop "$h"; done
  { hosts; echo "portal"; echo "net"; } | while read -r h _; do ip netns del $P-$h 2>/dev/null || :; done
  rm -rf /etc/netns/$P-portal
  find /sys/fs/cgroup -maxdepth 4 -depth -type d -path '*/testpool-condor*' -exec rmdir {} + 2>/dev/null || :
}
wait_ready() {  # until every worker's slot is in the collector and the schedd answers
  local n=0 s=0 want; want=$(hosts | grep -c worker)
  for _ in $(seq 300); do
    n=$(in_host "$(cm)" condor_status -startd -af Name 2>/dev/null | wc -l) || n=0
    s=$(in_host "$(cm)" condor_status -schedd -af Name 2>/dev/null | wc -l) || s=0
    [ "$n" -ge "$want" ] && [ "$s" -ge 1 ] && return 0
    sleep 0.1
  done
  echo "the pool is not complete after 30 s ($n slots, $s schedds)" >&2; return 1
}
settings() {  # PORT: what a portal's settings file says of this pool, for a relay on that port
  cat <<TOML
[[workspaces]]
id = "testpool"
name = "Test pool"
host = "127.0.0.1"
port = $1
login = "alice"
key_file = "$RUN/keys/id_alice"
host_keys = ["$(cut -d' ' -f1,2 "$RUN/keys/ssh_host_ed25519_key.pub")"]
default = true
TOML
}
cmd=${1:-status}; shift || :
case $cmd in
  up) up; wait_ready ;;
  down) down ;;
  start) start "$1" ;;
  stop) stop "$1" ;;
  reset) down; for h in $(hosts | awk '{print $1}'); do rm -rf --one-file-system "${RUN:?}/$h"; done ;;
  wait) wait_ready ;;
  token) token "$@" ;;
  exec) in_host "$@" ;;
  as) u=$1 h=$2; shift 2; in_host "$h" runuser -u "$u" -- env HOME="/home/$u" bash -lc "cd; $*" ;;
  portal) exec ip netns exec $P-portal "$@" ;;
  relay) exec python3 "$HERE/relay.py" "$P-portal" "$NET.12" 22 "${1:-0}" ;;
  settings) settings "$1" ;;
  logs) ls "$RUN/$1/upper/var/log/condor" ;;
  status) hosts | while read -r h _; do if c=$(init_pid "$h") && [ -n "$c" ]; then
     echo "$h up pid $c"; else echo "$h down"; fi; done ;;
  *) echo "unknown: $cmd" >&2; exit 2 ;;
esac
