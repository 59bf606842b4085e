# node: what the suites of one node share.  NODE names the tool they are about, raft-node unless it is set.
#
#     lone     start_node OPTION...; ask BODY; converse <TABLE; end_node         one process on two FIFOs
#     scene    play OPTION... <SCENE      one node in lockstep against peers played by hand
#     network  lockstep OPTION... <SCRIPT       several nodes in virtual time (tests/nodes/lockstep.c)
#     disk     faulty PLAN COMMAND; at_every_call -- FILTER       a disk that fails (tests/kill/fault.c)
#
# Nothing here depends on how long something takes: what is waited for is polled, up to `patience` seconds.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load eventually.bash
patience=${PATIENCE:-30}

NODE=${NODE:-raft-node}
protocol=${NODE%-node}

# For setup(): an empty directory, the tools in the path, the children to end.
node_setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=$(cd "${BUILD:-$top/build}" && pwd)
	bin=$(cd "${FAULTLINE_BIN:-$build/bin}" && pwd)
	export PATH="$bin:$PATH" LC_ALL=C.UTF-8
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	msg_id=0
}

# For teardown(): ends what the test left running.
node_teardown() {
	local pid
	for pid in "${children[@]}"; do
		kill -CONT "$pid" 2>/dev/null
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return 0
}

# Built with -fsanitize=address: then memory says nothing.
sanitized() {
	grep -q __asan_init "$bin/$NODE"
}

# ---- one process: 7 leads to it, 8 from it ----

# start_node OPTION...: stderr goes to `err`, the process is `pid`.
start_node() {
	rm -f to from
	mkfifo to from
	"$NODE" "$@" <to >from 2>>err 3>&- &
	pid=$!
	children+=("$pid")
	exec 7>to 8<from
}

# The options of a cluster of one.
alone=(--id n1 --nodes n1)

tell() {
	printf '%s\n' "$1" >&7
}

# The next line, in `heard`.
hear() {
	read -r -t "$patience" heard <&8
}

# The next answer to msg_id $1, in `heard`; what else comes meanwhile is in `overheard`.
hear_answer() {
	local end=$((SECONDS + patience))
	while ((SECONDS < end)) && hear || return; do
		[[ ! $heard =~ \"in_reply_to\":$1[,}] ]] || return 0
		overheard+=("$heard")
	done
}

# ask_at NODE BODY: sends the request and waits; `answer` is the answer's body without in_reply_to.
ask_at() {
	msg_id=$((msg_id + 1))
	tell "{\"src\":\"c1\",\"dest\":\"$1\",\"body\":{\"msg_id\":$msg_id,${2#\{}}"
	hear_answer "$msg_id" || fail "no answer to $2 from $1; stderr: $(tail -n 5 ./*err)"
	[[ $heard =~ \"body\":(.*),\"in_reply_to\":$msg_id(.*)\}$ ]] || fail "$heard"
	answer=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
}

ask() {
	ask_at n1 "$1"
}

# Is the answer an error of one of the codes, as `0|11`?
is_error() {
	[[ $answer =~ \"type\":\"error\" && $answer =~ \"code\":($1)[,}] ]]
}

assert_error() {
	is_error "$1" || fail "no error $1: $answer"
}

# requests FROM TO BODY: a line for n1 for each number, which takes the place of each @ in the body.
requests() {
	awk -v n="$1" -v last="$2" -v body="${3#\{}" 'BEGIN {
		for (; n <= last; n++) {
			text = body
			gsub(/@/, n, text)
			printf "{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{\"msg_id\":%d,%s}\n", n, text
		}
	}'
}

# converse [NODE]: each line of stdin is `BODY -> ANSWER`, asked one after the other.  An error has a text, any.
converse() {
	local line body
	: >dialogue
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		msg_id=$((msg_id + 1))
		line=${line#"${line%%[!$'\t ']*}"}
		body=${line%% -> *}
		tell "{\"src\":\"c1\",\"dest\":\"${1:-n1}\",\"body\":{\"msg_id\":$msg_id,${body#\{}}"
		hear_answer "$msg_id" || fail "no answer to $body; stderr: $(tail -n 5 ./*err)"
		printf '{"request":%s,"expected":%s,"got":%s}\n' "$body" "${line#* -> }" "$heard" >>dialogue
	done
	run jq -c '(.got.body | del(.in_reply_to)) as $body
		| ($body | if .type == "error" and (.text // "") != "" then del(.text) else . end) as $answer
		| select($answer != .expected) | .got = $body' dialogue
	assert_success
	assert_output ""
}

# Closes its stdin and waits; its exit status in `status`, what it still said in `heard`, one line or more.
end_node() {
	exec 7>&-
	heard=$(timeout "$patience" cat <&8)
	exec 8<&-
	reap "$pid"
}

# Waits for a process, as long as `patience`; its exit status in `status`.
reap() {
	eventually gone "$1" || fail "process $1 goes on; stderr: $(tail -n 5 ./*err)"
	status=0
	wait "$1" || status=$?
}

# Has it ended?  It may still wait to be waited for.
gone() {
	[[ ! -e /proc/$1 || $(cat "/proc/$1/stat" 2>/dev/null) =~ \)\ Z ]]
}

# status_is JQ: does its status fit the filter?
status_is() {
	ask '{"type":"status"}'
	jq -e "$1" >/dev/null <<<"$answer"
}

# ---- a scene: one node in lockstep ----
#
# A scene is lines `MS SRC BODY` that the node n1 gets, in order, each followed by what it has to say to it, all of it,
# in any order: `> DEST BODY`, where a BODY need only be part of what was said, null stands for what must be missing and
# "*" for anything; `> *` for whatever it likes.  `= LINE` is a line as it stands.  Lines with # are remarks.
play() {
	awk -v input=scene.in -v expected=scene.expected '
		BEGIN { printf "" >input; printf "" >expected }
		/^[\t ]*(#|$)/ { next }
		{ sub(/^[\t ]+/, "") }
		/^> / { print n, substr($0, 3) >expected; next }
		{ n++ }
		/^= / { print substr($0, 3) >input; next }
		{
			at = sprintf("%.0f", $1 * 1000000); src = $2
			sub(/^[^ ]+ +[^ ]+ +/, "")
			printf "{\"src\":\"%s\",\"dest\":\"n1\",\"at\":%s,\"body\":%s}\n", src, at, $0 >input
		}'
	run --separate-stderr timeout 300 "$NODE" --lockstep --id n1 "$@" <scene.in
	[ "$status" = 0 ] || fail "exit $status: $stderr"
	printf '%s\n' "$output" >scene.out
	jq -Rcn --rawfile input scene.in --rawfile expected scene.expected "$scene_judge" <scene.out >scene.diff
	[ ! -s scene.diff ] || fail "$(jq . scene.diff)"
}

# $said[i] and $wanted[i]: the messages after line i, {dest, body}; what is told is where they differ.
# shellcheck disable=SC2016
scene_judge='
	def fits($part):
		if $part == "*" then . != null
		elif ($part | type) == "object" then
			. as $all | type == "object" and all($part | keys_unsorted[]; . as $k | $all[$k] | fits($part[$k]))
		elif ($part | type) == "array" then
			. as $all | type == "array" and length == ($part | length)
			and all(range($part | length); . as $i | $all[$i] | fits($part[$i]))
		else . == $part end;
	# What may be left out is filled in.
	def whole:
		if .type == "append_entries" then .entries //= []
		elif .type == "request_vote" or .type == "request_vote_ok" then .pre_vote //= false
		else . end;
	def lines: split("\n") | map(select(length > 0));
	# The input without the first that the part is of, or null.
	def without($part):
		. as $all | [range(length) | select($all[.].dest == $part.dest and ($all[.].body | fits($part.body)))][0]
		| . as $at | if $at == null then null else $all | del(.[$at]) end;
	def is_idle: .dest == "net" and .body.type == "idle";

	($input | lines) as $heard
	| (reduce (inputs | select(length > 0) | fromjson) as $m ([[]];
		if $m | is_idle then . + [[]] else .[-1] += [{dest: $m.dest, body: ($m.body | whole)}] end)) as $said
	| (reduce ($expected | lines[] | capture("^(?<n>[0-9]+) (?<dest>[^ ]+) ?(?<body>.*)$")) as $e ({};
		.[$e.n] += [if $e.dest == "*" then "*" else {dest: $e.dest, body: ($e.body | fromjson)} end])) as $wanted
	| (select(($said | length) != ($heard | length) + 1) | {lines: ($heard | length), idle: (($said | length) - 1)}),
	  (range($heard | length) as $i | ($wanted[$i + 1 | tostring] // []) as $parts
		| select($parts != ["*"] and
			(reduce $parts[] as $part ($said[$i]; if . == null then null else without($part) end)) != [])
		| {line: ($i + 1), heard: $heard[$i], expected: $parts, said: $said[$i]})'

# What the node of the last scene said to line $1, to $2: the bodies.
said() {
	jq -c --argjson n "$1" --arg dest "$2" -n '
		reduce inputs as $m ({n: 1, said: []}; if $m.body.type == "idle" and $m.dest == "net" then .n += 1
			elif .n == $n and $m.dest == $dest then .said += [$m.body] else . end) | .said[]' scene.out
}

# ---- a network in virtual time ----

lockstep() {
	local tool
	tool=$(helper nodes/lockstep -ljansson) && timeout 120 "$tool" "$@"
}

# helper NAME FLAG...: a program of tests/ that is not installed; make has built it, or it is compiled now.
helper() {
	local source=$top/tests/${1%.so}.c made=$BATS_FILE_TMPDIR/${1##*/}
	if [ -x "$build/tests/$1" ]; then
		echo "$build/tests/$1"
	else
		[ -x "$made" ] || ${CC:-cc} -std=c11 -D_GNU_SOURCE -I"$top" -O1 -o "$made" "$source" "${@:2}" && echo "$made"
	fi
}

# at MS SRC BODY: the line for n1 at that time.
at() {
	printf '{"src":"%s","dest":"n1","at":%d,"body":%s}\n' "$2" "$(($1 * 1000000))" "$3"
}

# born MS NAME OPTION...: the lines with which the others of n1, n2 and n3 tell it that they are as new as it is, before which a
# node of Paxos does not vote.  OPTION...: how it is started; its first line is of that time.
born() {
	local number peer options
	[ "$protocol" = paxos ] || return 0
	options=" ${*:3} "
	# shellcheck disable=SC2086      # words
	number=$({ at "$1" net '{"type":"tick"}' && at $(($1 + 1)) net '{"type":"tick"}'; } | sed "s/\"dest\":\"n1\"/\"dest\":\"$2\"/" |
		"$NODE" --volatile --lockstep ${options/ --data d / } 2>/dev/null |
		jq -n 'first(inputs | select(.body.type == "hello") | .body.incarnation)')
	for peer in n1 n2 n3; do
		[ $peer = "$2" ] || at "$1" $peer "{\"type\":\"hello_ok\",\"asked\":$number,\"fresh\":true,\"incarnation\":${peer#n}}" |
			sed "s/\"dest\":\"n1\"/\"dest\":\"$2\"/"
	done
}

# ---- a disk that fails ----

# For setup(): the library, in `fault`.
find_fault() {
	fault=$(helper kill/fault.so -shared -fPIC -pthread)
}

# With the library preloaded, into the command alone: who has it takes the plan.  asan's own wants to be the first.
faulty() {
	timeout 300 env ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
		FAULTLINE_FAULT="$1" LD_PRELOAD="$fault" "${@:2}"
}

# at_every_call OPTION... -- FILTER: the node lives `input` under each plan there is, dying at each of its calls on the
# disk in each way, then lives `again` without a fault.  The filter (jq) gets what it said in both lives, bodies with
# `dest`, as $one and $two, and says what is wrong.  Every call has its turn: in lockstep they are the same each time.
at_every_call() {
	local options=() how n last plan calls writes flushes
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	two_lives count:counts 0 "${options[@]}" >lives
	read -r calls writes flushes <counts
	[ "$flushes" -gt 3 ]
	for how in kill kill-after short power; do
		last=$calls
		[ $how != short ] || last=$writes
		for ((n = 1; n <= last; n++)); do
			two_lives "$how:$n:7" 137 "${options[@]}"
		done
	done >>lives
	judge "$2" <lives
}

# two_lives PLAN STATUS OPTION...: what was said in them, as lines for judge.
two_lives() {
	local plan=$1 expected=$2 status=0
	shift 2
	rm -rf d
	faulty "$plan" "$NODE" "$@" <input >one 2>err || status=$?
	[ "$status" = "$expected" ] || fail "$plan: ended with $status: $(cat err)"
	timeout 300 "$NODE" "$@" <again >two 2>err.again || fail "$plan: the restart ended with $?: $(cat err.again)"
	# The last line of the first may be half there; what goes to peers for their logs is long and not asked about.
	sed -n '/"idle"\|"append_entries",\|"type":"accept",/!s/.*}}$/["'"$plan"'",1,&]/p' one
	sed -n '/"idle"\|"append_entries",\|"type":"accept",/!s/.*}}$/["'"$plan"'",2,&]/p' two
}

judge() {
	run jq -n -r '
		def one(f): [.[] | select(f)][0] // error("no answer");
		def said($life): map(select(.[1] == $life) | .[2].body + {dest: .[2].dest});
		reduce inputs as $line ({}; .[$line[0]] += [$line]) | to_entries[] | .key as $plan | .value
		| said(1) as $one | said(2) as $two | ('"$1"') | "\($plan): \(.)"'
	assert_success
	assert_output ""
}
