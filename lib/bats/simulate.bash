# simulate: a whole cluster in virtual time, every run a function of its seed, with load, and judged.  Loaded by faultline.bash.

faultline_settling=20   # seconds of calm, after which all have to agree

# cluster_simulate [--load OPTIONS] SECONDS COUNT COMMAND [ARGUMENT...] [-- OPTION...]: OPTIONS are kvload's, in one word, each OPTION
# is netfault's.
cluster_simulate() {
	local load='' words options nodes
	faultline_may_start cluster_simulate || return 1
	if [ "${1:-}" = --load ] && [ $# -gt 1 ]; then
		load=$2
		shift 2
	fi
	[[ ${1:-} =~ ^[1-9][0-9]*$ && ${2:-} =~ ^[1-9][0-9]*$ ]] && faultline_take_words "${@:3}" ||
		faultline_fail "usage: cluster_simulate [--load OPTIONS] SECONDS COUNT COMMAND [ARGUMENT ...] [-- OPTION ...]" || return 1
	[[ " ${options[*]} " != *' --virtual '* ]] ||
		faultline_fail 'cluster_simulate: kvload takes no part in --virtual: the nodes have to know of lockstep' || return 1
	faultline_new_directory || return 1
	faultline_guard
	faultline_take_seed "${options[@]}"
	faultline_run_simulation "$@" && assert_linearizable && faultline_agreed || return 1
	rm -rf "$faultline_dir"
	faultline_dir=
}

# One client is the load, the other asks all nodes in the end.
faultline_run_simulation() {
	local home=
	home=$(faultline_quoted "$faultline_dir")
	faultline_loads=1
	faultline_spawn /dev/null "$faultline_dir/netfault.log" "${faultline_tools}netfault" --lockstep --seed "$cluster_seed" \
		--trace "$faultline_dir/trace" --calm "$1s" -n "$2" \
		--client "load=exec $(faultline_quoted "${faultline_tools}kvload") --history $home/history.1 --output $home/load.1.json \
			--clients 5 --keys 5 --timeout 1s --time $1s $load" \
		--client "witness=exec bash $(faultline_quoted "$faultline_home/witness.bash") witness $(($1 + faultline_settling)) $home/witness \
			$home/history.1 $(seq -s ' ' -f n%.0f "$2")" "${options[@]}" -- "${words[@]}"
	faultline_pid=$!
	until faultline_gone "$faultline_pid"; do
		[ -z "${BATS_INTERRUPTED:-}" ] || return 1
		sleep 0.02
	done
	faultline_reap "$faultline_pid"
	faultline_pid=
	[[ $faultline_status == [01] ]] ||
		faultline_fail "netfault ended with status $faultline_status:" "$(faultline_last_words netfault)" || return 1
	[ -e "$faultline_dir/history.1" ] || faultline_fail 'kvload did not begin:' "$(faultline_last_words load)" || return 1
	[ -n "$faultline_restarts" ] || faultline_no_deaths
}

# The nodes that run in the end have applied the same, have the same keys, and a majority answers a read at each of them.
faultline_agreed() {
	local nodes=() keys node compared faultline_difference
	faultline_hear_witness
	[ ${#nodes[@]} -gt 0 ] || faultline_fail 'cluster_simulate: no node runs in the end' || return 1
	for node in "${nodes[@]}"; do
		faultline_went_through "read $node" ||
			faultline_fail "$node answers no read, $faultline_settling s after the last fault: ${faultline_answers[read $node]:-no answer}" \
				"$(faultline_last_words "$node")" || return 1
	done
	mapfile -t keys <"$faultline_dir/witness.keys"
	faultline_applied_the_same "${nodes[@]}" && faultline_answers_are_equal "${nodes[@]}" && faultline_listed_the_same "${nodes[@]}" ||
		faultline_fail "the nodes differ, $faultline_settling s after the last fault: $faultline_difference"
}

# Into `nodes` and faultline_answers.
faultline_hear_witness() {
	local what line
	faultline_answers=()
	while IFS=$'\t' read -r what line; do
		faultline_body=
		[[ ! $line =~ \"in_reply_to\":\ *([0-9]+) ]] || faultline_read_body "$line" "${BASH_REMATCH[1]}"
		[[ $what != status\ * || -n ${faultline_answers[$what]+asked} ]] || nodes+=("${what#* }")
		faultline_answers[$what]=$faultline_body
	done <"$faultline_dir/witness"
}

faultline_listed_the_same() {
	local node
	faultline_all_list "$@" || return 0
	for node; do
		faultline_difference="$1: ${faultline_answers[list $1]}; $node: ${faultline_answers[list $node]}"
		[ "${faultline_answers[list $1]}" = "${faultline_answers[list $node]}" ] || return 1
	done
}
