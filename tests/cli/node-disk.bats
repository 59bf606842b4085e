#!/usr/bin/env bats
# What a node keeps on its disk: the log as text, what it does with a torn, damaged, foreign or full one.

load node.bash

setup() {
	node_setup
}

teardown() {
	node_teardown
}

# write N...: keys kN, one after the other, each acknowledged before the next.
write() {
	local n
	for n; do
		ask "{\"type\":\"write\",\"key\":\"k$n\",\"value\":\"value of $n\"}"
		assert_equal "$answer" '{"type":"write_ok"}'
	done
}

assert_has() {
	local n
	for n; do
		ask "{\"type\":\"read\",\"key\":\"k$n\"}"
		assert_equal "$answer" "{\"type\":\"read_ok\",\"value\":\"value of $n\"}"
	done
}

crash() {
	kill -KILL "$pid"
	reap "$pid"
	exec 7>&- 8<&-
}

# Files by content; a lock has none.
contents() {
	find "$1" -type f -size +0 -exec sha256sum {} + | sort
}

# The newest segment that has records, in `log`.
newest_log() {
	log=$(grep -l . "$1"/*.log | sort | tail -n 1)
}

# Its record number $2 (from the end where it is negative): `line`, `offset` and `bytes` without the newline.
record() {
	local text
	if (($2 < 0)); then
		text=$(grep -a -n -b . "$1" | tail -n "$((-$2))" | head -n 1)
	else
		text=$(grep -a -n -b . "$1" | sed -n "$2p")
	fi
	IFS=: read -r line offset text <<<"$text"
	bytes=${#text}
}

# The number of the record that has the text $2.
record_with() {
	grep -a . "$1" | grep -a -n -F -- "$2" | head -n 1 | cut -d: -f1
}

# overwrite FILE OFFSET: with stdin
overwrite() {
	dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Asked with other msg_ids than those of a flood.
snapshot_is_after() {
	msg_id=$((msg_id + 100000)) status_is ".snapshot_index > $1"
}

# ---- the log ----

@test "the log is lines of a checksum, a space and compact JSON, in the directory that is named after the node" {
	start_node "${alone[@]}"
	write {1..20}
	ask '{"type":"write","key":{"a": "\u00e9"},"value":1.10}'
	crash
	assert [ -d "n1.$protocol" ]
	cat "n1.$protocol"/*.log | grep . >records
	[ "$(wc -l <records)" -ge 21 ]
	assert_equal "$(LC_ALL=C grep -v -c -E '^[0-9a-f]{8} \{.*\}$' records)" 0
	cut -d' ' -f2- records | jq -c . | wc -l | grep -qx "$(wc -l <records)"
	# A command is the text it came as.
	grep -q -F '"key":{"a": "\u00e9"},"value":1.10}' records
	run perl -ne '
		BEGIN {
			for my $n (0 .. 255) {
				my $c = $n;
				$c = $c & 1 ? $c >> 1 ^ 0x82f63b78 : $c >> 1 for 1 .. 8;
				push @table, $c;
			}
		}
		chomp;
		my ($sum, $json) = /^(\S+) (.*)/;
		my $crc = 0xffffffff;
		$crc = $table[($crc ^ $_) & 255] ^ $crc >> 8 for unpack "C*", $json;
		print "$.: $sum\n" unless $sum eq sprintf "%08x", $crc ^ 0xffffffff' records
	assert_output ""
}

@test "--volatile leaves nothing on the disk and says so" {
	start_node "${alone[@]}" --volatile
	write 1
	end_node
	assert_equal $status 0
	assert_regex "$(cat err)" "^$NODE: .*memory"
	assert_equal "$(wc -l <err)" 1
	assert [ ! -e "n1.$protocol" ]
}

@test "what was acknowledged is there after SIGKILL, every time" {
	start_node "${alone[@]}" --data d
	for round in {1..5}; do
		write "$round"
		crash
		start_node "${alone[@]}" --data d
		assert_has $(seq "$round")
	done
	assert_equal "$(cat err)" ""
}

@test "what was acknowledged in a flood is there after SIGKILL in the midst of it" {
	start_node "${alone[@]}" --data d
	requests 1 5000 '{"type":"write","key":"k@","value":"value of @"}' >input
	(cat input >&7) 2>/dev/null &
	hear_answer 1000
	printf '%s\n' "$heard" "${overheard[@]}" >acknowledged
	kill -KILL "$pid"
	reap "$pid"
	cat <&8 | grep -a '}}$' >>acknowledged
	exec 7>&- 8<&-
	jq -r 'select(.body.type == "write_ok") | "k\(.body.in_reply_to)"' acknowledged | sort -u >keys
	[ "$(wc -l <keys)" -ge 1000 ]
	start_node "${alone[@]}" --data d
	ask '{"type":"list","prefix":"k","limit":10000}'
	jq -r '.items[] | select(.[1] == "value of \(.[0][1:])") | .[0]' <<<"$answer" | sort | comm -23 keys - >lost
	assert_equal "$(cat lost)" ""
}

@test "term and vote do not go back over a restart" {
	start_node "${alone[@]}" --data d
	write 1
	ask '{"type":"status"}'
	before=$(jq -c 'if .ballot then .ballot[0] else .term end' <<<"$answer")
	crash
	start_node "${alone[@]}" --data d
	assert_has 1
	ask '{"type":"status"}'
	[ "$(jq -c 'if .ballot then .ballot[0] else .term end' <<<"$answer")" -ge "$before" ]
}

@test "with snapshots the log stays short, and a restart reads snapshot and log" {
	start_node "${alone[@]}" --data d --snapshot-every 100 --segment-size 64K
	pad=$(printf '%01000d' 0)
	for ((msg_id = 0; msg_id < 1500; msg_id += 500)); do
		requests $((msg_id + 1)) $((msg_id + 500)) "{\"type\":\"write\",\"key\":\"p@\",\"value\":\"@ $pad\"}" | sed 's/"p[0-9]*\([0-9]\)"/"p\1"/' >&7
		hear_answer $((msg_id + 500))
		eventually snapshot_is_after $((msg_id + 400))
	done
	eventually status_is '.first_index > 900'
	crash
	[ "$(cat d/*.log | wc -c)" -lt 1000000 ] || fail "$(ls -l d)"
	start_node "${alone[@]}" --data d --snapshot-every 100 --segment-size 64K
	for i in {1491..1500}; do
		ask "{\"type\":\"read\",\"key\":\"p$((i % 10))\"}"
		assert_equal "$answer" "{\"type\":\"read_ok\",\"value\":\"$i $pad\"}"
	done
	assert_equal "$(cat err)" ""
}

# ---- damage ----

@test "a torn last record is cut off with a note, wherever it was torn" {
	start_node "${alone[@]}" --data d
	write 1 2 3
	crash
	newest_log d
	record "$log" -1
	cp -a d good
	for cut in 1 7 8 9 10 $((bytes / 2)) $((bytes - 1)); do
		for tail in newlines nothing zeros; do
			echo "after $cut of $bytes bytes, then $tail"
			rm -rf d
			cp -a good d
			: >err
			case $tail in
			newlines) head -c $((bytes - cut)) /dev/zero | tr '\0' '\n' | overwrite "$log" $((offset + cut)) ;;
			zeros) head -c $((bytes - cut)) /dev/zero | overwrite "$log" $((offset + cut)) ;;
			nothing) truncate -s $((offset + cut)) "$log" ;;
			esac
			start_node "${alone[@]}" --data d
			assert_has 1 2
			assert_equal "$(wc -l <err)" 1
			assert_regex "$(cat err)" "^$NODE: .*$log"
			write 4
			crash
			: >err
			start_node "${alone[@]}" --data d
			assert_has 1 2 4
			assert_equal "$(cat err)" ""
			crash
		done
	done
}

@test "a log that ends without its newlines is whole" {
	start_node "${alone[@]}" --data d
	write 1 2 3
	crash
	newest_log d
	record "$log" -1
	truncate -s $((offset + bytes + 1)) "$log"
	start_node "${alone[@]}" --data d
	assert_has 1 2 3
	write 4
	assert_equal "$(cat err)" ""
}

@test "a damaged record with good ones after it is exit 3, names file, line and byte, and changes nothing" {
	start_node "${alone[@]}" --data d
	write {1..6}
	crash
	cp -a d good
	for n in 1 3; do
		for damage in digit checksum blank newline zeros; do
			echo "k$n: $damage"
			rm -rf d
			cp -a good d
			newest_log d
			record "$log" "$(record_with "$log" "\"k$n\"")"
			case $damage in
			digit) printf '%s' X | overwrite "$log" $((offset + bytes - 12)) ;;
			checksum) tr 0-9a-f 1-9a-f0 < <(dd if="$log" bs=1 skip="$offset" count=1 status=none) | overwrite "$log" "$offset" ;;
			blank) printf '%s' ' ' | overwrite "$log" $((offset + 3)) ;;
			newline) printf '\n' | overwrite "$log" $((offset + bytes / 2)) ;;
			zeros) head -c $((bytes + 1)) /dev/zero | overwrite "$log" "$offset" ;;
			esac
			contents d >before
			run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
			assert_failure 3
			assert_output ""
			assert_equal "$(wc -l <<<"$stderr")" 1
			assert_regex "$stderr" "^$NODE: '$log', line $line, byte [0-9]+: "
			[[ $stderr =~ byte\ ([0-9]+) ]]
			((BASH_REMATCH[1] >= offset && BASH_REMATCH[1] <= offset + bytes + 1)) || fail "byte ${BASH_REMATCH[1]}, not $offset"
			contents d | diff before -
		done
	done
}

@test "a missing record is exit 3, too: the log goes on after a gap" {
	start_node "${alone[@]}" --data d
	write {1..6}
	crash
	newest_log d
	record "$log" "$(record_with "$log" '"k3"')"
	sed -i "${line}d" "$log"
	contents d >before
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 3
	assert_regex "$stderr" "^$NODE: .*$log"
	contents d | diff before -
}

@test "a missing segment is exit 3, names it, and changes nothing" {
	start_node "${alone[@]}" --data d --segment-size 64K
	pad=$(printf '%08000d' 0)
	for i in {1..40}; do
		ask "{\"type\":\"write\",\"key\":\"k$i\",\"value\":\"$pad\"}"
	done
	crash
	logs=($(grep -l . d/*.log | sort))
	[ ${#logs[@]} -ge 4 ]
	cp -a d good
	for gone in "${logs[0]}" "${logs[1]}" "${logs[-2]}"; do
		echo "$gone"
		rm -rf d
		cp -a good d
		rm "$gone"
		contents d >before
		run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
		assert_failure 3
		assert_output ""
		assert_regex "$stderr" "^$NODE: .*'d/.*\.log'.* missing"
		[ "$gone" = "${logs[0]}" ] || assert_regex "$stderr" "$gone"
		contents d | diff before -
	done
}

@test "a damaged snapshot is exit 3 and names it" {
	start_node "${alone[@]}" --data d
	write {1..30}
	ask '{"type":"snapshot"}'
	assert_equal "$answer" '{"type":"snapshot_ok"}'
	eventually status_is '.snapshot_index > 0'
	crash
	snapshot=$(ls d/*.snapshot)
	cp -a d good
	record "$snapshot" "$(record_with "$snapshot" '"k7"')"
	printf X | overwrite "$snapshot" $((offset + bytes - 12))
	contents d >before
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 3
	assert_output ""
	assert_regex "$stderr" "^$NODE: '$snapshot', line $line, byte [0-9]+: "
	contents d | diff before -
	rm -rf d
	cp -a good d
	sed -i '$d' "$snapshot"
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 3
	assert_regex "$stderr" "^$NODE: .*$snapshot"
}

@test "a missing snapshot is exit 3, where the log does not go back to the beginning" {
	start_node "${alone[@]}" --data d --segment-size 64K --snapshot-every 100
	pad=$(printf '%02000d' 0)
	for ((msg_id = 0; msg_id < 600; msg_id += 300)); do
		requests $((msg_id + 1)) $((msg_id + 300)) "{\"type\":\"write\",\"key\":\"k@\",\"value\":\"$pad\"}" >&7
		hear_answer $((msg_id + 300))
		eventually snapshot_is_after $((msg_id + 200))
	done
	eventually status_is '.first_index > 200'
	crash
	rm d/*.snapshot
	contents d >before
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 3
	assert_output ""
	assert_regex "$stderr" "^$NODE: .*missing"
	contents d | diff before -
}

# ---- whose it is ----

@test "two processes on one directory: the second is exit 4, the first goes on" {
	start_node "${alone[@]}" --data d
	write 1
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "^$NODE: .*'d'"
	assert_equal "$(wc -l <<<"$stderr")" 1
	write 2
	crash
	# A lock does not outlive its process.
	start_node "${alone[@]}" --data d
	assert_has 1 2
}

@test "the directory of another node, or of another cluster, is exit 2 and stays as it is" {
	start_node --id n1 --nodes n1 --data d
	write 1
	crash
	contents d >before
	for options in '--id n2 --nodes n2' '--id n2 --nodes n1,n2' '--id n1 --nodes n1,n2' '--id n1 --nodes n1,n2,n3'; do
		echo "$options"
		# shellcheck disable=SC2086
		run --separate-stderr timeout 300 "$NODE" $options --data d </dev/null
		assert_failure 2
		assert_output ""
		assert_regex "$stderr" "^$NODE: .*'d"
		contents d | diff before -
	done
}

@test "the directory of another protocol is exit 2" {
	other=paxos-node
	[ "$NODE" = raft-node ] || other=raft-node
	command -v "$other" || skip "no $other"
	"$other" "${alone[@]}" --data d </dev/null
	contents d >before
	run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 2
	assert_regex "$stderr" "^$NODE: .*'d"
	contents d | diff before -
}

@test "the order of --nodes is no other cluster" {
	"$NODE" --id n1 --nodes n1,n2,n3 --data d </dev/null
	run --separate-stderr "$NODE" --id n1 --nodes n3,n1,n2 --data d </dev/null
	assert_success
}

# ---- a disk that fails ----

@test "a directory that cannot be made is exit 4 and named" {
	echo >file
	for data in file/d file /dev/null/d /proc/none/d; do
		echo "$data"
		run --separate-stderr timeout 300 "$NODE" "${alone[@]}" --data "$data" </dev/null
		assert_failure 4
		assert_output ""
		assert_regex "$stderr" "^$NODE: .*'$data.*': "
		assert_equal "$(wc -l <<<"$stderr")" 1
	done
}

@test "a directory that may not be written is exit 4 and named" {
	mkdir -m 755 d
	chmod 755 .
	chmod a-w d
	unprivileged=()
	[ "$(id -u)" != 0 ] || unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	exec 9<"$bin/$NODE"
	run --separate-stderr timeout 300 "${unprivileged[@]}" /proc/self/fd/9 "${alone[@]}" --data d </dev/null
	exec 9<&-
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "'d.*': Permission denied"
}

# Runs a command with a file system of $1 kilobytes at `d`, a copy of which is left in `kept`.
on_small_disk() {
	local kb=$1 as=()
	shift
	mkdir -p d
	[ "$(id -u)" = 0 ] || as=(--map-root-user)
	# shellcheck disable=SC2016
	unshare "${as[@]}" --mount bash -c 'mount -t tmpfs -o "size=$1k" none d || exit 99; shift; "$@"; rc=$?; cp -a d kept; exit $rc' bash "$kb" "$@"
}

answered() {
	[ "$(grep -c write_ok output)" -ge "$1" ]
}

@test "a full disk is exit 4; what was acknowledged is there once there is room" {
	mkdir -p d
	on_small_disk 16 true || skip "no file system can be mounted here"
	rm -rf kept
	pad=$(printf '%04000d' 0)
	requests 1 1000 "{\"type\":\"write\",\"key\":\"k@\",\"value\":\"$pad\"}" >input
	status=0
	: >output
	# The first of them are answered before the others come: no flush has all.
	{ head -n 60 input && eventually answered 60 && tail -n +61 input; } 2>/dev/null |
		on_small_disk 1024 timeout 300 "$NODE" "${alone[@]}" --data d --segment-size 64K >output 2>err || status=$?
	assert_equal $status 4
	assert_regex "$(cat err)" "^$NODE: .*'d/.*': No space left on device"
	jq -r 'select(.body.type == "write_ok") | "k\(.body.in_reply_to)"' output | sort >keys
	[ "$(wc -l <keys)" -gt 50 ]
	start_node "${alone[@]}" --data kept --segment-size 64K
	ask '{"type":"list","prefix":"k","limit":10000}'
	jq -r '.items[] | select(.[1] | length == 4000) | .[0]' <<<"$answer" | sort | comm -23 keys - >lost
	assert_equal "$(cat lost)" ""
	write 2000
	assert_has 2000
}

@test "a disk with no room for the first segment is exit 4 at the start" {
	mkdir -p d
	on_small_disk 16 true || skip "no file system can be mounted here"
	rm -rf kept
	run --separate-stderr on_small_disk 16 timeout 300 "$NODE" "${alone[@]}" --data d </dev/null
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "^$NODE: .*'d.*': No space left on device"
}

@test "a file that may grow no more is exit 4, too" {
	run --separate-stderr bash -c "trap '' XFSZ; ulimit -f 8; timeout 300 $NODE --id n1 --nodes n1 --data d </dev/null"
	assert_failure 4
	assert_output ""
	assert_regex "$stderr" "^$NODE: .*'d.*': File too large"
}

@test "a damaged first record is exit 3 and named, also where the log alone says what the cluster is" {
	echo '{"src":"c1","dest":"n1","body":{"type":"write","msg_id":1,"key":"x","value":1}}' | "$NODE" "${alone[@]}" --data d >output
	grep -q write_ok output
	printf X | dd of=d/00000001.log bs=1 seek=20 conv=notrunc status=none
	run --separate-stderr timeout 300 "$NODE" --id n1 --data d </dev/null
	assert_failure 3
	assert_equal "$stderr" "$NODE: 'd/00000001.log', line 1, byte 0: the checksum does not match"
}
