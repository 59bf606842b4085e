# kvload: what its suites share: lines of virtual time for `kvload --lockstep`, and a look at histories.

# tick AT: the client c1 is woken.
tick() {
	printf '{"at":%s,"src":"net","dest":"c1","body":{"type":"tick"}}\n' "$((10#$1))"
}

# answer AT CLIENT MSG_ID TYPE [MEMBERS]
answer() {
	printf '{"at":%s,"src":"n1","dest":"c1.%s","body":{"type":"%s","in_reply_to":%s%s}}\n' "$((10#$1))" "$2" "$4" "$3" "${5:+,$5}"
}

# in_lockstep OPTION...: with lines of stdin as input; what it says goes to `said`, without idle to `asked`.  That no
# operation was answered is no failure here.
in_lockstep() {
	timeout 300 kvload --lockstep --seed 1 --think 0s "$@" >said 2>results || [ $? = 4 ] || return
	grep -v '"type":"idle"' said >asked || true
}

# summary HISTORY: `PROCESS TYPE F [CODE]` a line.
summary() {
	jq -r '[.process, .type, .f, .code // empty] | join(" ")' "$1"
}

# No process has two operations under way, or begins another after an info; what ends was begun, and is what was begun;
# time does not go back.
assert_well_formed() {
	run jq -rn '
		def wrong($l; $why): error("\($why): \($l)");
		reduce inputs as $l ({at: 0, open: {}, ended: {}};
			($l.process | tostring) as $p |
			if $l.time < .at then wrong($l; "time goes back") else .at = $l.time end |
			if .ended[$p] then wrong($l; "after an info") else . end |
			if $l.type == "invoke" then
				if .open[$p] then wrong($l; "two at once") else .open[$p] = $l end
			elif .open[$p] == null then wrong($l; "never begun")
			else
				.open[$p] as $b |
				if $b.f != $l.f or $b.key != $l.key then wrong($l; "another one than was begun") else . end |
				if ($l.f == "write" or $l.f == "cas") and $b.value != $l.value then wrong($l; "another value") else . end |
				if $l.type == "fail" and $l.code == null then wrong($l; "no code") else . end |
				.ended[$p] = ($l.type == "info") | .open[$p] = null
			end) | "well-formed"' "$1"
	assert_success
	assert_output well-formed
}
