#!/bin/bash
# Asks the programs themselves: starts nginx, HAProxy, Redis Cluster and twemproxy
# on 127.0.0.1, sends some 2000 keys through each, and compares who got a key
# with what hashring says.  What is not installed is skipped, and said so.
#
# usage: tests/peers/live.sh [nginx|haproxy|redis|twemproxy]...
# HASHRING is the tool to judge; build/bin/hashring if it is not set.
#
# Debian: nginx-light haproxy redis-server nutcracker curl
set -u

hashring=${HASHRING:-build/bin/hashring}
dir=$(mktemp -d) || exit 4
chmod 755 "$dir"
pids=()
ports=' '
failed=0

finish() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "${pids[@]}"; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Runs a program until the end of this script, its words in a log.
start() {
	"$@" >>"$dir/log" 2>&1 &
	pids+=($!)
}

open_port() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody listens on, in $port; nor on the one 10000 above, which a
# Redis Cluster talks to itself on.
free_port() {
	while :; do
		port=$((20000 + RANDOM % 12000))
		case $ports in *" $port "*) continue ;; esac
		open_port $port || open_port $((port + 10000)) || break
	done
	ports+="$port "
}

# N of them, as addresses in ${servers[@]}.
free_servers() {
	servers=()
	for ((i = 0; i < $1; i++)); do
		free_port
		servers+=("127.0.0.1:$port")
	done
}

await() {
	for ((i = 0; i < 100; i++)); do
		open_port "$1" && return
		sleep 0.1
	done
	echo "nothing listens on port $1:" >&2
	tail "$dir/log" >&2
	exit 4
}

have() {
	for tool; do
		command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] || {
			echo "skipped: $tool is not installed"
			return 1
		}
	done
}

# The list for hashring, from ${servers[@]} and ${weights[@]}.
list() {
	local i out=
	for i in "${!servers[@]}"; do
		out+=",${servers[i]}=${weights[i]}"
	done
	echo "${out#,}"
}

# Compares keys<TAB>node of the program, in $dir/theirs, with what hashring says
# of the keys.  Not for a pipe: it sets $failed.
compare() {
	local total wrong

	cut -f1 "$dir/theirs" | "$hashring" -a "$1" -n "$(list)" >"$dir/ours" || exit 4
	total=$(wc -l <"$dir/keys")
	wrong=$(diff "$dir/theirs" "$dir/ours" | grep -c '^<')
	if [ "$(wc -l <"$dir/theirs")" != "$total" ] || [ "$wrong" != 0 ]; then
		echo "not ok $1: $wrong of $total keys differ"
		diff "$dir/theirs" "$dir/ours" | head -4
		failed=1
	else
		echo "ok $1: $total of $total keys agree"
	fi
	cut -f2 "$dir/theirs" | sort | uniq -c | sort -k2 | sed 's/^/#/'
}

# Sends every key to a port as ?k=KEY; a server answers with its own address.
ask() {
	sed "s,.*,url = \"http://127.0.0.1:$1/?k=&\"," "$dir/keys" >"$dir/urls"
	curl -sgK "$dir/urls" >"$dir/answers"
	paste "$dir/keys" "$dir/answers" >"$dir/theirs"
}

nginx_conf() {
	cat <<-EOF
		daemon off;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log stderr;
		events { }
		http {
			access_log off;
			client_body_temp_path $dir/body;
			proxy_temp_path $dir/proxy;
			fastcgi_temp_path $dir/fastcgi;
			uwsgi_temp_path $dir/uwsgi;
			scgi_temp_path $dir/scgi;
			default_type text/plain;
			upstream peers {
				hash \$arg_k consistent;
	EOF
	for i in "${!servers[@]}"; do
		echo "server ${servers[i]} weight=${weights[i]};"
	done
	echo "} server { listen 127.0.0.1:$1; location / { proxy_pass http://peers; } }"
	for server in "${servers[@]}"; do
		echo "server { listen $server; return 200 \"$server\\n\"; }"
	done
	echo '}'
}

try_nginx() {
	local nginx

	have nginx curl || return
	nginx=$(command -v nginx || echo /usr/sbin/nginx)
	weights=(1 2 1 3 1)
	free_servers 5
	free_port
	nginx_conf "$port" >"$dir/nginx.conf"
	start "$nginx" -p "$dir" -e stderr -c "$dir/nginx.conf"
	await "$port"
	ask "$port"
	compare nginx
}

haproxy_conf() {
	printf '%s\n' defaults 'mode http' 'timeout connect 5s' 'timeout client 30s' 'timeout server 30s'
	printf '%s\n' 'frontend plain' "bind 127.0.0.1:$1" 'default_backend plain'
	printf '%s\n' 'frontend avalanche' "bind 127.0.0.1:$2" 'default_backend avalanche'
	for kind in plain avalanche; do
		printf '%s\n' "backend $kind" 'balance url_param k'
		echo "hash-type consistent sdbm$([ $kind = avalanche ] && echo ' avalanche')"
		for i in "${!servers[@]}"; do
			echo "server s$i ${servers[i]} weight ${weights[i]}"
		done
	done
	for i in "${!servers[@]}"; do
		printf '%s\n' "frontend s$i" "bind ${servers[i]}"
		printf '%s\n' "http-request return status 200 content-type text/plain string \"${servers[i]}\\n\""
	done
}

try_haproxy() {
	local haproxy plain avalanche

	have haproxy curl || return
	haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
	weights=(1 2 1 3 1)
	free_servers 5
	free_port
	plain=$port
	free_port
	avalanche=$port
	haproxy_conf "$plain" "$avalanche" >"$dir/haproxy.conf"
	start "$haproxy" -db -f "$dir/haproxy.conf"
	await "$plain"
	await "$avalanche"
	ask "$plain"
	compare haproxy
	ask "$avalanche"
	compare haproxy-avalanche
}

start_redis() {
	local port=${1#*:}

	shift
	mkdir "$dir/redis.$port"
	start redis-server --bind 127.0.0.1 --port "$port" --dir "$dir/redis.$port" --save '' --daemonize no "$@"
	await "$port"
}

# The ranges of slots, as "FIRST LAST ADDRESS".
slot_ranges() {
	redis-cli -p "$1" cluster nodes | awk '{
		split($2, address, "@")
		for (i = 9; i <= NF; i++) {
			n = split($i, range, "-")
			print range[1], range[n], address[1]
		}
	}'
}

try_redis() {
	local first

	have redis-server redis-cli || return
	weights=(1 1 1 1 1 1 1)
	free_servers 7
	for server in "${servers[@]}"; do
		start_redis "$server" --cluster-enabled yes
	done
	redis-cli --cluster create "${servers[@]}" --cluster-yes >>"$dir/log" 2>&1 || {
		tail "$dir/log" >&2
		exit 4
	}
	first=${servers[0]#*:}
	slot_ranges "$first" >"$dir/ranges"
	sed 's/.*/cluster keyslot "&"/' "$dir/keys" | redis-cli -p "$first" >"$dir/slots"
	paste "$dir/slots" "$dir/keys" | awk '
		NR == FNR { for (s = $1; s <= $2; s++) owner[s] = $3; next }
		{ print $2 "\t" owner[$1] }' "$dir/ranges" - >"$dir/theirs"
	compare redis
}

# Redis servers behind twemproxy: who got a key is who has it.
try_twemproxy() {
	local nutcracker

	have nutcracker redis-server redis-cli || return
	nutcracker=$(command -v nutcracker || echo /usr/sbin/nutcracker)
	weights=(1 2 1 3 1)
	free_servers 5
	for server in "${servers[@]}"; do
		start_redis "$server"
	done
	free_port
	stats=$port
	free_port
	{
		echo pool:
		printf '  %s\n' "listen: 127.0.0.1:$port" 'redis: true' 'distribution: ketama' 'hash: fnv1a_64' servers:
		for i in "${!servers[@]}"; do
			echo "    - ${servers[i]}:${weights[i]}"
		done
	} >"$dir/nutcracker.yml"
	start "$nutcracker" -c "$dir/nutcracker.yml" -s "$stats" -a 127.0.0.1 -p "$dir/nutcracker.pid"
	await "$port"
	sed 's/.*/set "&" 1/' "$dir/keys" | redis-cli -p "$port" >>"$dir/log"
	for server in "${servers[@]}"; do
		redis-cli -p "${server#*:}" --scan | sed "s/\$/	$server/"
	done >"$dir/theirs"
	compare twemproxy
}

# Sequential ones, random ones, long ones, and some with a tag for Redis.
{
	seq -f 'user:%08.0f' 0 999
	for ((k = 0; k < 500; k++)); do
		echo "s-$RANDOM$RANDOM-$k"
	done
	seq -f '/a/rather/long/path/of/some/resource/that/somebody/may/ask/for/%.0f.html' 1 300
	seq -f 'item.{tag%.0f}.x' 1 200
} >"$dir/keys"

if [ $# = 0 ]; then
	set -- nginx haproxy redis twemproxy
fi
for peer; do
	case $peer in
	nginx | haproxy | redis | twemproxy) "try_$peer" ;;
	*)
		echo "live.sh: no such peer: $peer" >&2
		exit 2
		;;
	esac
done
exit $failed
