#!/bin/bash
# faultline: a cluster of real processes, its faults, its load and its judges, for a suite of bats.
#
#     load faultline
#
#     @test "nothing is lost when the leader dies" {
#             cluster_start 3 raft-node
#             cluster_wait_leader
#             load_start --rate 200
#             node_crash "$leader"
#             load_wait 100
#             node_restart "$leader"
#             assert_linearizable
#             assert_converged
#     }
#
# faultline-bats(7) says all of it.  The network is netfault, with a trace; clients are kv, kvload and one connection of this
# shell's own, on a port that was free.  Everything lies in a directory of the test's own.  Nothing depends on how long something
# takes: what is waited for is polled, up to a patience.
#
# The end of a test: cluster_start puts a teardown around the one that there is by then, which bats runs however the test ends.
# And netfault, which leaves no node behind, is bound to this shell: where no teardown runs any more, as after SIGKILL, the kernel
# ends it.
#
# Names with faultline_ are for this file alone.  No return is without its number: in a trap, as a teardown is, it would be the
# status from before the trap.

# Executed, not loaded: say where this is, as in `ln -s "$(faultline)" test/faultline.bash`.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	readlink -f "$0"
	exit
fi

# Where this really is: bats has it by a link, perhaps.
faultline_home=$(readlink -f "${BASH_SOURCE[0]}")
if [ "$faultline_home" != "${BASH_SOURCE[0]}" ]; then
	# shellcheck disable=SC1090
	. "$faultline_home"
	return 0
fi
faultline_home=${faultline_home%/*}

: "${FAULTLINE_PATIENCE:=30}"   # seconds
faultline_dir=          # what lies there is kept if the test fails; cluster_dir in it is the nodes'
faultline_pid=          # netfault's, while a cluster runs
faultline_guarded=      # is there a teardown of ours?
declare -gA faultline_asked=() faultline_answers=()

# The tools beside this file, or those in PATH.  In PATH they come last: they take no name from anybody.
faultline_tools=${FAULTLINE_BIN:-$faultline_home/../../bin}
if [ -x "$faultline_tools/netfault" ]; then
	faultline_tools=$(cd "$faultline_tools" && pwd)/
	PATH=$PATH:$faultline_tools
else
	faultline_tools=
fi

# shellcheck source=lib/bats/clients.bash
. "$faultline_home/clients.bash"
# shellcheck source=lib/bats/judges.bash
. "$faultline_home/judges.bash"
# shellcheck source=lib/bats/simulate.bash
. "$faultline_home/simulate.bash"

# ---- what all of it needs ----

# faultline_fail LINE...
faultline_fail() {
	printf 'faultline: %s\n' "$1" >&2
	shift
	[ -z "$*" ] || printf '%s\n' "$@" >&2
	return 1
}

# eventually COMMAND...: tries it again and again until it succeeds.
eventually() {
	local end=$((SECONDS + FAULTLINE_PATIENCE)) pause=5
	until "$@"; do
		((SECONDS < end)) && [ -z "${BATS_INTERRUPTED:-}" ] || return 1
		pause=$((pause < 80 ? pause * 2 : 80))
		sleep 0.0$((pause / 10))
	done
}

# Has the child ended?  It may still wait to be waited for.
faultline_gone() {
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
	[[ $line =~ \)\ Z ]]
}

# What changes this shell's own state cannot be done in another.
faultline_here() {
	[ "$BASH_SUBSHELL" -eq 0 ] || faultline_fail "$1 has to be called by the test itself: not by run, nor in a pipe or ( )"
}

faultline_running() {
	[ -n "$faultline_pid" ] || faultline_fail "$1: there is no cluster: cluster_start comes first" || return 1
	! faultline_gone "$faultline_pid" || faultline_fail "$1: the network has ended:" "$(faultline_last_words netfault)"
}

# faultline_spawn OUT ERR COMMAND...: in the background, in cluster_dir; it ends with this shell, however that ends.  The child is $!.
faultline_spawn() {
	local bound=()
	! type -P setpriv >/dev/null || bound=(setpriv --pdeathsig TERM)
	{
		cd "$cluster_dir" &&
			exec env -u FAULTLINE_SEED -u FAULTLINE_LOCKSTEP "${bound[@]}" "${@:3}"
	} </dev/null >"$1" 2>"$2" 3>&- 4>&- &
}

# faultline_end PID: SIGTERM, and SIGKILL for one that does not mind it; its exit status in `faultline_status`.
faultline_end() {
	kill -TERM "$1" 2>/dev/null || true
	BATS_INTERRUPTED='' eventually faultline_gone "$1" || kill -KILL "$1" || true
	faultline_reap "$1"
}

faultline_reap() {
	faultline_status=0
	wait "$1" 2>/dev/null || faultline_status=$?
}

# faultline_last_words NODE: the end of its stderr.
faultline_last_words() {
	node_log "$1" | tail -n 5 | sed "s/^/  $1: /"
}

faultline_all_last_words() {
	local name IFS=$'\n'
	for name in netfault $(faultline_logged); do
		faultline_last_words "$name"
	done
}

# The nodes that have said something on stderr.
faultline_logged() {
	sed -n 's/^\([A-Za-z0-9._:@-]*\): .*/\1/p' "$faultline_dir/netfault.log" | grep -vx netfault | sort -u
}

# ---- the cluster ----

# cluster_start [-C DIR] COUNT COMMAND [ARGUMENT...] [-- OPTION...]: OPTIONs are netfault's.
cluster_start() {
	local dir='' words options nodes
	faultline_may_start cluster_start || return 1
	if [ "${1:-}" = -C ] && [ $# -gt 1 ]; then
		dir=$2
		shift 2
	fi
	[[ ${1:-} =~ ^[1-9][0-9]*$ ]] && faultline_take_words "${@:2}" ||
		faultline_fail "usage: cluster_start [-C DIR] COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]" || return 1
	faultline_new_directory "$dir" || return 1
	faultline_guard
	faultline_take_seed "${options[@]}"
	faultline_spawn /dev/null "$faultline_dir/netfault.log" "${faultline_tools}netfault" --seed "$cluster_seed" \
		--trace "$faultline_dir/trace" --listen tcp:127.0.0.1:0 -n "$1" "${options[@]}" -- "${words[@]}"
	faultline_pid=$!
	# Once it answers, it has started them all.
	eventually faultline_listens && [ -n "$faultline_port" ] && faultline_running_nodes ||
		faultline_fail "cluster_start: netfault did not start:" "$(faultline_last_words netfault)" || return 1
	export FAULTLINE_SERVER=tcp:127.0.0.1:$faultline_port
}

faultline_may_start() {
	faultline_here "$1" || return 1
	[ -n "${BATS_TEST_TMPDIR:-}" ] || faultline_fail "$1 belongs in a test or in setup" || return 1
	[ -z "$faultline_pid" ] || faultline_fail "$1: there is a cluster already" || return 1
	type -P "${faultline_tools}netfault" >/dev/null ||
		faultline_fail "$1: no netfault, neither in '$faultline_home/../../bin' nor in PATH; FAULTLINE_BIN may say where it is"
}

# faultline_take_words COMMAND [ARGUMENT...] [-- OPTION...]: into `words` and `options`.
faultline_take_words() {
	local i
	words=("$@") options=()
	for ((i = $# - 1; i >= 0; i--)); do
		[ "${words[i]}" = -- ] || continue
		options=("${words[@]:i+1}")
		words=("${words[@]:0:i}")
		break
	done
	[ ${#words[@]} -gt 0 ] && faultline_whole_paths
}

# Words of the command, and plans, that are files here get their whole paths: the nodes run elsewhere.
faultline_whole_paths() {
	local i
	for i in "${!words[@]}"; do
		[[ ${words[i]} == /* || ! -f ${words[i]} || $i == 0 && ${words[i]} != */* ]] || words[i]=$PWD/${words[i]}
	done
	for i in "${!options[@]}"; do
		case ${options[i]} in
		--plan=* | --replay=*) options[i]=${options[i]%%=*}=$(faultline_whole_path "${options[i]#*=}") ;;
		--plan | --replay) options[i + 1]=$(faultline_whole_path "${options[i + 1]:-}") ;;
		esac
	done
}

faultline_whole_path() {
	if [[ $1 != /* && -e $1 ]]; then echo "$PWD/$1"; else echo "$1"; fi
}

# faultline_new_directory [DIR]: each cluster of a test has its own; its nodes run in there, or in DIR.
faultline_new_directory() {
	local number=1 before=$faultline_dir nodes_before=${cluster_dir:-} loads=${faultline_loads:-0}
	faultline_dir=$BATS_TEST_TMPDIR/cluster
	until mkdir "$faultline_dir" 2>/dev/null; do
		[ -d "$faultline_dir" ] || faultline_fail "cannot make '$faultline_dir'" || return 1
		faultline_dir=$BATS_TEST_TMPDIR/cluster-$((++number))
	done
	mkdir -p "${1:-$faultline_dir/nodes}" && cluster_dir=$(cd "${1:-$faultline_dir/nodes}" && pwd) &&
		: >"$faultline_dir/netfault.log" || return 1
	faultline_msg_id=0 faultline_connection='' faultline_mark='' faultline_loads=0 faultline_load_pid=''
	# The same nodes go on: what the loads asked before is part of their history.
	[[ -n $before && $cluster_dir == "$nodes_before" && $loads -gt 0 ]] || return 0
	faultline_loads=$loads
	cp "$before"/history.[0-9]* "$faultline_dir"
}

# `--seed N` among the options, $FAULTLINE_SEED, or one that is drawn.
faultline_take_seed() {
	cluster_seed=${FAULTLINE_SEED:-$((RANDOM << 15 | RANDOM))}
	faultline_restarts=
	while [ $# -gt 0 ]; do
		case $1 in
		--seed) cluster_seed=${2:-} ;;
		--seed=*) cluster_seed=${1#*=} ;;
		--restart) faultline_restarts=1 ;;
		esac
		shift
	done
}

# It listens, or never will.
faultline_listens() {
	local line
	faultline_port=
	while read -r line; do
		[[ ! $line =~ ^netfault:\ listening\ at\ \'tcp:127\.0\.0\.1:([0-9]+)\'$ ]] || { faultline_port=${BASH_REMATCH[1]} && return 0; }
	done <"$faultline_dir/netfault.log"
	faultline_gone "$faultline_pid"
}

# The nodes that run, a line each.
cluster_nodes() {
	local nodes
	faultline_running cluster_nodes && faultline_running_nodes || return 1
	[ ${#nodes[@]} -eq 0 ] || printf '%s\n' "${nodes[@]}"
}

# Every process ends.  A node that had ended before of itself, unasked, is a failure.
cluster_stop() {
	faultline_here cluster_stop || return 1
	[ -n "$faultline_pid" ] || faultline_fail "cluster_stop: there is no cluster" || return 1
	[ -z "$faultline_load_pid" ] || faultline_end_load
	[ -z "$faultline_connection" ] || exec {faultline_fd}>&-
	faultline_end "$faultline_pid"
	faultline_pid=
	unset FAULTLINE_SERVER
	# Ctrl-C is for it as well.
	[[ $faultline_status == 143 || $faultline_status == 130 ]] ||
		faultline_fail "netfault ended with status $faultline_status:" "$(faultline_last_words netfault)" || return 1
	[ -n "$faultline_restarts" ] || faultline_no_deaths
}

# Has none ended of itself, unasked?
faultline_no_deaths() {
	local deaths node how
	deaths=$(sed -n '/"asked":true}$/!s/^{"at":[0-9]*,"event":"death","node":"\([^"]*\)",\(.*\)}$/\1 \2/p' "$faultline_dir/trace" || true)
	[ -z "$deaths" ] || faultline_fail 'a node ended of itself:' "$(while read -r node how; do
		echo "  $node: ${how//\"/}"
		faultline_last_words "$node"
	done <<<"$deaths")"
}

# node_log NODE: what it has said on stderr, or what netfault has.
node_log() {
	sed -n "s/^${1//./\\.}: //p" "$faultline_dir/netfault.log"
}

# ---- the end of a test ----

# Around the teardown that there is: what bats runs at the end, also after a failed assertion, a timeout or Ctrl-C.
faultline_guard() {
	[ -z "$faultline_guarded" ] || return 0
	faultline_guarded=1
	declare -F teardown >/dev/null || teardown() { :; }
	eval "faultline_their_$(declare -f teardown)"
	teardown() {
		local status=0
		faultline_their_teardown || status=$?
		cluster_teardown "$status" || status=$?
		return "$status"
	}
	# A failure is shown where the suite called, not in here.
	[[ ! $(declare -F bats_add_debug_exclude_path) || $BATS_TEST_SOURCE == "$faultline_home"* ]] ||
		bats_add_debug_exclude_path "$faultline_home"
}

# cluster_teardown [STATUS]: ends all there is; if the test has failed, or the status says so, what explains it is kept.
cluster_teardown() {
	local status=0
	[ -n "$faultline_dir" ] || return 0
	[ -z "$faultline_pid" ] || cluster_stop || status=1
	if [ "${1:-0}" != 0 ] || [ "$status" != 0 ] || [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		faultline_keep
	fi
	faultline_dir=
	return "$status"
}

faultline_keep() {
	local file=${BATS_TEST_FILENAME#"$BATS_CWD"/} name=${BATS_TEST_DESCRIPTION//[!A-Za-z0-9._-]/-} kept node from
	local IFS=$'\n'
	kept=${FAULTLINE_KEEP:-faultline-failures}
	[[ $kept == /* ]] || kept=$BATS_CWD/$kept
	[[ $file != /* ]] || file=${file##*/}
	kept+=/${file%.bats}/$BATS_TEST_NUMBER-${name:0:80}
	for node in $(faultline_logged); do
		node_log "$node" >"$faultline_dir/$node.log"
	done
	if [ "$faultline_loads" -gt 0 ]; then
		faultline_whole_history >"$faultline_dir/history" 2>/dev/null || true
		rm -f "$faultline_dir"/history.[0-9]*
		[ -s "$faultline_dir/history" ] || rm -f "$faultline_dir/history"
	fi
	faultline_draw
	if rm -rf "$kept" && mkdir -p "$kept" && find "$faultline_dir" -maxdepth 1 -type f -exec cp -t "$kept" {} +; then
		faultline_tell_kept | tee "$kept/message"
	else
		faultline_fail "the seed was $cluster_seed; nothing can be kept in '$kept'"
	fi >&2
	return 0
}

# As much of the end as a picture holds, from `from` ms on.
faultline_draw() {
	local picture=$faultline_dir/trace.svg
	from=
	[ -e "$faultline_dir/trace" ] || return 0
	from=$(tail -n 3000 "$faultline_dir/trace" | sed -n '1s/^{"at":\([0-9]*\)[0-9]\{6\},.*/\1/p')
	"${faultline_tools}spacetime" --types '!heartbeats' ${from:+"--from=${from}ms"} "$faultline_dir/trace" >"$picture" 2>/dev/null ||
		rm -f "$picture"
}

# What is where, and what to do with it.
faultline_tell_kept() {
	local filter
	filter=$(sed 's/[][\().*+?^$|{}]/\\&/g' <<<"$BATS_TEST_DESCRIPTION")
	echo "faultline: kept in $kept:"
	ls "$kept" | sed 's/^/  /'
	echo 'faultline: to run the test again with the same seed, read what happened, and judge the history again:'
	echo "  FAULTLINE_SEED=$cluster_seed bats -f $(faultline_quoted "^$filter\$") $(faultline_quoted "$BATS_TEST_FILENAME")"
	[ ! -e "$kept/trace" ] || echo "  spacetime --text $(faultline_quoted "$kept/trace")"
	[ ! -e "$kept/history" ] || echo "  lincheck <$(faultline_quoted "$kept/history")"
	[ -z "$from" ] || echo "faultline: the picture begins $from ms after the start: it holds no more"
	echo 'faultline: the last that was said:'
	faultline_all_last_words
}

# For the shell.
faultline_quoted() {
	if [[ $1 == *[!A-Za-z0-9/._-]* ]]; then
		printf "'%s'\n" "${1//\'/\'\\\'\'}"
	else
		printf '%s\n' "$1"
	fi
}
