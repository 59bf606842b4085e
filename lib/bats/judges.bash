# judges: load, and whether what it was answered was right.  Loaded by faultline.bash.

# ---- load ----

# load_start [OPTION...]: kvload, in the background, until load_stop; a few keys and clients, so that these meet.
load_start() {
	local number option limit=(--time 24h)
	faultline_here load_start && faultline_running load_start || return 1
	[ -z "$faultline_load_pid" ] || faultline_fail 'load_start: there is a load already: load_stop comes first' || return 1
	for option; do
		[[ $option != --@(ops|time)?(=*) ]] || limit=()
	done
	number=$((++faultline_loads))
	faultline_spawn "$faultline_dir/load.$number.json" "$faultline_dir/load.$number.log" "${faultline_tools}kvload" \
		--history "$faultline_dir/history.$number" --clients 5 --keys 5 --seed $((cluster_seed + number)) "${limit[@]}" "$@"
	faultline_load_pid=$!
	eventually faultline_load_began && [ -e "$faultline_dir/history.$number" ] || load_stop
}

# load_wait [N]: until N operations more were answered; or until the load ends of itself.
load_wait() {
	local size from
	faultline_here load_wait && faultline_loading load_wait || return 1
	if [ $# -eq 0 ]; then
		eventually faultline_gone "$faultline_load_pid" ||
			faultline_fail "load_wait: the load goes on after $FAULTLINE_PATIENCE s" || return 1
		load_stop || return 1
		return 0
	fi
	# kvload writes now and then: what comes next may have been answered before.
	size=$(faultline_written)
	eventually faultline_wrote_more_than "$size" || true
	from=$(faultline_answered) size=
	eventually faultline_wrote_answers $((from + $1)) || true
	from=$(($(faultline_answered) - from))
	((from >= $1)) || faultline_fail "load_wait: $from of $1 operations were answered within $FAULTLINE_PATIENCE s" \
		"$(cat "$faultline_dir/load.$faultline_loads.log")"
}

faultline_load_began() {
	[ -e "$faultline_dir/history.$faultline_loads" ] || faultline_gone "$faultline_load_pid"
}

faultline_loading() {
	[ -n "$faultline_load_pid" ] || faultline_fail "$1: there is no load: load_start comes first"
}

# Of all that the load has asked.  That there is no such key, or another value, is an answer.
faultline_answered() {
	cat "$faultline_dir/history.$faultline_loads" 2>/dev/null | grep -cE '"type":"ok"|"code":2[02]\b' || true
}

faultline_written() {
	stat -c %s "$faultline_dir/history.$faultline_loads" 2>/dev/null || echo 0
}

faultline_wrote_more_than() {
	[ "$(faultline_written)" -gt "$1" ] || faultline_gone "$faultline_load_pid"
}

faultline_wrote_answers() {
	local before=$size
	size=$(faultline_written)
	[ "$size" != "$before" ] && [ "$(faultline_answered)" -ge "$1" ] || faultline_gone "$faultline_load_pid"
}

load_stop() {
	faultline_here load_stop && faultline_loading load_stop || return 1
	faultline_end_load
	[[ $faultline_status == 0 || $faultline_status == 143 ]] || faultline_fail "kvload ended with status $faultline_status:" \
		"$(cat "$faultline_dir/load.$faultline_loads.log")"
}

faultline_end_load() {
	faultline_end "$faultline_load_pid"
	faultline_load_pid=
}

# ---- judges ----

# assert_linearizable [OPTION...]: OPTIONs are lincheck's.  Ends the load.
assert_linearizable() {
	local status=0 judged=$faultline_dir/history
	[ "${faultline_loads:-0}" -gt 0 ] || faultline_fail 'assert_linearizable: there was no load: load_start comes first' || return 1
	[ -z "$faultline_load_pid" ] || load_stop || return 1
	faultline_whole_history >"$judged"
	grep -q '"type":"ok"' "$judged" ||
		faultline_fail "assert_linearizable: none of $(grep -c '"invoke"' "$judged") operations was done" || return 1
	"${faultline_tools}lincheck" --svg "$judged.svg" "$@" <"$judged" >"$faultline_dir/lincheck" 2>&1 || status=$?
	case $status in
	0) return 0 ;;
	1) faultline_fail 'the history is not linearizable:' "$(cat "$faultline_dir/lincheck")" ;;
	*) faultline_fail "lincheck did not decide, with status $status:" "$(cat "$faultline_dir/lincheck")" ;;
	esac
}

# One load after the other: each has processes of its own.
faultline_whole_history() {
	local number
	for ((number = 1; number <= faultline_loads; number++)); do
		awk -v first=$(((number - 1) * 1000000)) 'match($0, /"process":[0-9]+/) {
			print substr($0, 1, RSTART + 9) (substr($0, RSTART + 10, RLENGTH - 10) + first) substr($0, RSTART + RLENGTH)
		}' "$faultline_dir/history.$number"
	done
}

# assert_converged [NODE...]: all that run, or these, have applied the same and have the same keys.  Ends the load.
assert_converged() {
	local end=$((SECONDS + FAULTLINE_PATIENCE)) seconds=1 nodes=("$@")
	faultline_running assert_converged || return 1
	[ -z "$faultline_load_pid" ] || load_stop || return 1
	[ $# -gt 0 ] || faultline_running_nodes
	[ ${#nodes[@]} -gt 0 ] || faultline_fail 'assert_converged: no node runs' || return 1
	until faultline_agree "$seconds" "${nodes[@]}"; do
		[ -z "${BATS_INTERRUPTED:-}" ] || return 1
		((SECONDS < end)) ||
			faultline_fail "the nodes differ after $FAULTLINE_PATIENCE s: $faultline_difference" || return 1
		seconds=$((seconds * 2 < FAULTLINE_PATIENCE ? seconds * 2 : FAULTLINE_PATIENCE))
		sleep 0.02
	done
}

# faultline_agree SECONDS NODE...: asks them, and compares; else `faultline_difference`.
faultline_agree() {
	local seconds=$1 node compared=
	shift
	for node; do
		faultline_send "status $node" "$node" '{"type":"status"}' &&
			faultline_send "list $node" "$node" '{"type":"list","prefix":"","limit":1,"stale":true}' || return 1
	done
	faultline_collect "$seconds" faultline_all_answered || true
	faultline_applied_the_same "$@" || return 1
	if faultline_all_list "$@"; then
		faultline_lists_are_equal "$@"
	elif faultline_keys | grep -q .; then
		faultline_reads_are_equal "$seconds" "$@"
	elif [ -z "$compared" ]; then
		faultline_difference='they say neither what they have applied nor list their keys, and there was no load'
		return 1
	fi
}

# Of nodes that know no status, nothing is asked here.
faultline_applied_the_same() {
	local node first='' applied
	for node; do
		[[ ${faultline_answers[status $node]:-} =~ \"last_applied\":\ *([0-9]+) ]] || continue
		compared=1
		[ -n "$first" ] || { first=$node applied=${BASH_REMATCH[1]}; }
		faultline_difference="$first has applied $applied entries, $node ${BASH_REMATCH[1]}"
		[ "${BASH_REMATCH[1]}" = "$applied" ] || return 1
	done
	for node; do
		faultline_difference="$node does not say what it has applied: ${faultline_answers[status $node]:-no answer}"
		[[ -z $compared || ${faultline_answers[status $node]:-} =~ \"last_applied\" ]] || return 1
	done
}

faultline_all_list() {
	local node
	for node; do
		[[ ${faultline_answers[list $node]:-} =~ \"list_ok\" ]] || return 1
	done
}

faultline_lists_are_equal() {
	local node
	for node; do
		faultline_difference="$node does not list its keys"
		client --to "$node" --stale --json list >"$faultline_dir/keys.$node" || return 1
		faultline_difference="$1 (-) and $node (+) have other keys:
$(diff -U0 "$faultline_dir/keys.$1" "$faultline_dir/keys.$node" | sed -n '3,${/^@/d;s/^/  /;p}' | head -n 10)"
		cmp -s "$faultline_dir/keys.$1" "$faultline_dir/keys.$node" || return 1
	done
}

# The keys of the loads.
faultline_keys() {
	cat "$faultline_dir"/history.* 2>/dev/null | grep -o '"key":\("[^"]*"\|[^,}]*\)' | sort -u
}

# Of nodes that do not list: each key, at each node.
faultline_reads_are_equal() {
	local keys key node
	mapfile -t keys <<<"$(faultline_keys)"
	for key in "${keys[@]}"; do
		for node in "${@:2}"; do
			faultline_send "$node $key" "$node" "{\"type\":\"read\",$key,\"stale\":true}" || return 1
		done
	done
	faultline_difference='no answer to a read'
	faultline_collect "$1" faultline_all_answered && faultline_answers_are_equal "${@:2}"
}

# faultline_answers_are_equal NODE...: for each of `keys`.
faultline_answers_are_equal() {
	local key node said first
	for key in "${keys[@]}"; do
		first=
		for node; do
			said=${faultline_answers[$node $key]:-}
			faultline_difference="$node: $key: ${said:-no answer}"
			[ -n "$said" ] && ! faultline_is_error "$node $key" 0 11 13 || return 1
			! faultline_is_error "$node $key" 20 || said='no such key'
			: "${first:=$said}"
			faultline_difference="$key: $1: $first; $node: $said"
			[ "$first" = "$said" ] || return 1
		done
	done
}
