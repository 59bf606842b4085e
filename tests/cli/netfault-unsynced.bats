#!/usr/bin/env bats
# netfault --lose-unsynced: what a crash takes back of files, for any program.

load netfault

setup_file() {
	network_build
	# keep.py HOW: keeps what it is asked to write in a file, acknowledges it, and says what is in the file.
	cat >"$BATS_FILE_TMPDIR/keep.py" <<-'PY'
		import json, os, sys
		how = sys.argv[1]
		def flush(path):
		    fd = os.open(path, os.O_RDONLY)
		    os.fsync(fd)
		    os.close(fd)
		def keep(value):
		    if how == "rename":
		        with open("new", "w") as f:
		            f.write((open("kept").read() if os.path.exists("kept") else "") + value + "\n")
		        os.rename("new", "kept")
		        return
		    with open("kept", "a") as f:
		        f.write(value + "\n")
		        f.flush()
		        if how != "forgets":
		            os.fsync(f.fileno())
		    if how == "flushes":
		        flush(".")
		for line in sys.stdin:
		    m = json.loads(line)
		    kind, reply = m["body"]["type"], {}
		    if kind == "write":
		        keep(m["body"]["value"])
		    elif kind == "read":
		        reply["kept"] = open("kept", errors="replace").read().split("\n")[:-1] if os.path.exists("kept") else []
		    reply.update(type=kind + "_ok", in_reply_to=m["body"].get("msg_id", 0))
		    print(json.dumps({"src": m["dest"], "dest": m["src"], "body": reply}), flush=True)
	PY
	# The same with the C library's own files.
	cat >"$BATS_FILE_TMPDIR/keep.c" <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			char line[4096], kept[4096] = "";
			while (fgets(line, sizeof(line), stdin)) {
				FILE *f;
				char *value = strstr(line, "\"value\":\"");
				if (value && (f = fopen("kept", "a"))) {
					fprintf(f, "%.1s,", value + 9);
					fflush(f);
					if (argc > 1 && !strcmp(argv[1], "flushes")) {
						fsync(fileno(f));
						sync();
					}
					fclose(f);
				}
				if ((f = fopen("kept", "r"))) {
					kept[fread(kept, 1, sizeof(kept) - 1, f)] = '\0';
					fclose(f);
				}
				printf("{\"src\":\"n1\",\"dest\":\"w\",\"body\":{\"kept\":\"%s\"}}\n", kept);
				fflush(stdout);
			}
			return 0;
		}
	C
	${CC:-cc} -O1 -o "$BATS_FILE_TMPDIR/bin/keep" "$BATS_FILE_TMPDIR/keep.c"
}

setup() {
	network_setup
	export PATH="$BATS_FILE_TMPDIR/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
	python=$(python3 -c 'import sys; print(sys.executable)')
	TMPDIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
	export TMPDIR
	{ at 0 hello; at 100 write '"value":"a"'; at 200 write '"value":"b"'; at 300 write '"value":"c"'; at 700 read; } >lines
	echo '{"at":"500ms","type":"crash","node":"n1","for":"100ms"}' >plan
}

teardown() {
	network_teardown
	rm -rf "$TMPDIR"
}

at() {
	printf '{"src":"w","dest":"n1","at":%s,"body":{"type":"%s"%s}}\n' "$(($1 * 1000000))" "$2" "${3:+,$3}"
}

# crash SEED COMMAND: what its last answer says that it has kept.
crash() {
	netfault --virtual --scratch --lose-unsynced --seed "$1" --until 2s --plan "$PWD/plan" -n "n1=$2" <lines 2>err |
		tail -n 1 | grep -o '"kept": *[^}]*'
}

# crashes COMMAND: the answers after ten seeds' crashes, each once.
crashes() {
	local seed
	for seed in {1..10}; do
		crash "$seed" "$1" || fail "seed $seed: no answer: $(cat err)"
	done | sort -u >kept
}

@test "a program that flushes what it writes loses nothing, whatever the seed" {
	crashes "exec $python $BATS_FILE_TMPDIR/keep.py flushes"
	assert_equal "$(cat kept)" '"kept": ["a", "b", "c"], "type": "read_ok", "in_reply_to": 0'
}

@test "one that forgets to loses some of it, and not for every seed" {
	crashes "exec $python $BATS_FILE_TMPDIR/keep.py forgets"
	grep -qF '["a", "b", "c"]' kept
	grep -qF '[]' kept
}

@test "one that flushes the file and not its directory loses the file" {
	crashes "exec $python $BATS_FILE_TMPDIR/keep.py file"
	assert_equal "$(sed 's/, "type.*//' kept)" $'"kept": ["a", "b", "c"]\n"kept": []'
}

@test "one that renames a file it did not flush is found out" {
	crashes "exec $python $BATS_FILE_TMPDIR/keep.py rename"
	[ "$(wc -l <kept)" -ge 3 ]
}

@test "the C library's own files are no exception" {
	crashes "exec keep flushes"
	assert_equal "$(cat kept)" '"kept":"a,b,c,"'
	crashes "exec keep"
	[ "$(wc -l <kept)" -ge 2 ]
}

@test "a shell with its programs: sync makes the difference" {
	shell() {
		printf '%s' "while read -r l; do case \$l in *write*) echo x >>kept; $1;; esac; echo '{\"src\":\"n1\",\"dest\":\"w\",\"body\":{\"kept\":\"'\$(tr -dc x <kept | wc -c)'\"}}'; done"
	}
	crashes "$(shell sync)"
	assert_equal "$(cat kept)" '"kept":"3"'
	crashes "$(shell :)"
	[ "$(wc -l <kept)" -ge 2 ]
}

@test "the same seed loses the same, and twice is the same to the byte" {
	netfault --virtual --twice --lose-unsynced --seed 3 --until 2s --plan "$PWD/plan" -n 1 -- \
		"$python" "$BATS_FILE_TMPDIR/keep.py" forgets <lines
	crash 3 "exec $python $BATS_FILE_TMPDIR/keep.py forgets" >one
	crash 3 "exec $python $BATS_FILE_TMPDIR/keep.py forgets" >two
	diff one two
}

@test "without the option a crash leaves what was written" {
	netfault --virtual --scratch --seed 1 --until 2s --plan "$PWD/plan" -n 1 -- "$python" "$BATS_FILE_TMPDIR/keep.py" forgets <lines >out
	grep -qF '["a", "b", "c"]' out
}
