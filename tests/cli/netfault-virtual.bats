#!/usr/bin/env bats
# netfault --virtual: programs that know nothing of virtual time are a function of the seed, too.

load netfault

setup_file() {
	network_build
	cat >"$BATS_FILE_TMPDIR/lines.c" <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <time.h>
		#include <unistd.h>
		int main(void)
		{
			char line[4096], src[64];
			while (fgets(line, sizeof(line), stdin)) {
				struct timespec t;
				usleep(1500);
				clock_gettime(CLOCK_MONOTONIC, &t);
				sscanf(line, "%*[^:]:\"%63[^\"]", src);
				printf("{\"src\":\"n1\",\"dest\":\"%s\",\"body\":{\"time\":%ld,\"mono\":%ld.%09ld,\"pid\":%d}}\n",
				       src, (long)time(NULL), (long)t.tv_sec, t.tv_nsec, getpid());
				fflush(stdout);
			}
			return 0;
		}
	C
	${CC:-cc} -O1 -o "$BATS_FILE_TMPDIR/bin/lines" "$BATS_FILE_TMPDIR/lines.c"
	cat >"$BATS_FILE_TMPDIR/message.py" <<-'PY'
		import json, os, sys, time, random
		def say(**body):
		    print(json.dumps({"src": "n1", "dest": "w", "body": body}), flush=True)
	PY
}

setup() {
	network_setup
	export PATH="$BATS_FILE_TMPDIR/bin:$PATH" PYTHONPATH="$BATS_FILE_TMPDIR" PYTHONDONTWRITEBYTECODE=1
	python=$(python3 -c 'import sys; print(sys.executable)')
	nodes=$(cd "$BATS_TEST_DIRNAME/../nodes" && pwd)
	TMPDIR=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
	export TMPDIR
}

teardown() {
	network_teardown
	rm -rf "$TMPDIR"
}

# at MS [MEMBERS]: a line of `w` to n1.
at() {
	printf '{"src":"w","dest":"n1","at":%s,"body":{"type":"hello"%s}}\n' "$(($1 * 1000000))" "${2:+,$2}"
}

# virtual COMMAND: one node under virtual time, with the lines of `lines`; 10 s.  What it answers to init is lost, as `w` has
# not used its name then.
virtual() {
	netfault --virtual --seed "${seed:-1}" --until 10s -n "n1=$1" <lines
}

# same COMMAND: its answers, which are the same three times.
same() {
	virtual "$1" >one
	virtual "$1" >two
	virtual "$1" >three
	diff one two && diff one three
	[ -s one ] || fail "no answer"
	output=$(cat one)
	mapfile -t lines <one
}

# gossip SEED OPTION...: three polling nodes, a polling client, and all that may befall them.
gossip() {
	netfault --virtual --seed "$1" --delay exponential:10ms --loss 0.05 --duplicate 0.02 --until 5s \
		--nemesis partition,crash,pause --every 1s --heal-after 500ms "${@:2}" \
		--client "c1=exec $python $nodes/asking.py c1 30 n1 n2 n3" -n 3 -- "$python" "$nodes/polling.py" </dev/null
}

# ---- polling nodes ----

@test "polling Python nodes under faults: the same seed gives the same bytes, another one others" {
	for seed in 1 2 3; do
		run -0 --separate-stderr gossip $seed --twice --trace "$PWD/trace.$seed"
		[ "$(grep -c '"event":"deliver"' "trace.$seed")" -gt 200 ]
	done
	grep -q '"type": "read_ok", "messages": \[".*"leader": "n' trace.1
	! cmp -s <(tail -n +2 trace.1) <(tail -n +2 trace.2)
}

@test "few descriptors: what there is too little of is told, exit 4" {
	ulimit -n 64
	run netfault --virtual --seed 1 -n 1 -- cat </dev/null
	assert_failure 4
	assert_output "netfault: cannot start node 'n1': 'cat': Too many open files"
}

@test "nodes that never wait go on, as a look costs a little; the dearer, the fewer looks" {
	run -0 --separate-stderr netfault --virtual --twice --look-cost 200us --seed 4 --until 2s \
		--client "c1=exec $python $nodes/asking.py c1 5 n1 n2" -n 2 -- "$python" "$nodes/polling.py" --busy </dev/null
}

# ---- time ----

@test "hours of sleep pass in a moment, by every clock" {
	at 0 >lines
	cat >node.py <<-'PY'
		from message import *
		clocks = [time.time, time.monotonic, time.perf_counter, lambda: os.stat("/") and time.clock_gettime(time.CLOCK_BOOTTIME)]
		was = [c() for c in clocks]
		time.sleep(3600)
		say(passed=[round(c() - w) for c, w in zip(clocks, was)], start=round(was[0]))
		sys.stdin.read()
	PY
	run -0 --separate-stderr netfault --virtual --seed 1 --until 2h -n "n1=exec $python node.py" <lines
	assert_output '{"src": "n1", "dest": "w", "body": {"passed": [3600, 3600, 3600, 3600], "start": 1700000000}}'
}

@test "a loop that waits for the clock to change ends" {
	at 0 >lines
	cat >node.py <<-'PY'
		from message import *
		end, n = time.time() + 0.5, 0
		while time.time() < end:
		    n += 1
		say(looks=n)
		sys.stdin.read()
	PY
	same "exec $python node.py"
	assert_output '{"src": "n1", "dest": "w", "body": {"looks": 49999}}'
}

@test "alarms ring at their virtual time" {
	{ at 0; at 3000; } >lines
	cat >node.py <<-'PY'
		from message import *
		import signal
		signal.signal(signal.SIGALRM, lambda *a: say(rings=round(time.time() - start, 2)))
		start = time.time()
		signal.setitimer(signal.ITIMER_REAL, 0.5, 1.25)
		for line in sys.stdin:
		    if "hello" in line:
		        say(line=round(time.time() - start, 1))
	PY
	same "exec $python node.py"
	assert_line --index 1 --partial '{"rings": 0.5}'
	assert_line --index 2 --partial '{"rings": 1.75}'
	assert_line --index 3 --partial '{"line": 3.0}'
	assert_line --index 4 --partial '{"rings": 3.0}'
	assert_equal "${#lines[@]}" 10
}

# ---- programs ----

@test "an asyncio node" {
	{ at 1000; at 1001; at 4000; } >lines
	cat >node.py <<-'PY'
		from message import *
		import asyncio
		async def main():
		    loop = asyncio.get_running_loop()
		    reader = asyncio.StreamReader()
		    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
		    async def tick():
		        while True:
		            await asyncio.sleep(0.8)
		            say(tick=loop.time(), draw=random.random())
		    ticks = asyncio.create_task(tick())
		    while line := await reader.readline():
		        say(line=json.loads(line)["body"]["type"], time=time.time())
		asyncio.run(main())
	PY
	same "exec $python node.py"
	assert_line --partial '"line": "hello", "time": 1700000004.000'
	[ "${#lines[@]}" -ge 13 ]
}

@test "a C node that reads with stdio and sleeps" {
	{ at 1000; at 2500; } >lines
	same "exec lines"
	assert_line --index 0 --partial '{"time":1700000001,"mono":1001.0015'
	assert_line --index 1 --partial '{"time":1700000002,"mono":1002.5015'
}

@test "jq alone, and a pipeline of two" {
	{ at 1000; at 2500; } >lines
	same "exec jq --unbuffered -c '{src:\"n1\",dest:.src,body:{t:.body.type,now:now}}'"
	assert_line --index 1 --partial '"body":{"t":"hello","now":1700000002.5'
	same "jq --unbuffered -c '{src:\"n1\",dest:.src,body:.body}' | jq --unbuffered -c '.body.now=now'"
	assert_line --index 1 --partial '"now":1700000002.5'
}

@test "awk" {
	{ at 1000; at 2500; } >lines
	same "exec awk -W interactive 'BEGIN { srand() } { printf \"{\\\"src\\\":\\\"n1\\\",\\\"dest\\\":\\\"w\\\",\\\"body\\\":{\\\"n\\\":%d,\\\"r\\\":%s,\\\"t\\\":%s}}\\n\", NR, rand(), srand(); fflush() }'"
	assert_line --index 1 --partial '"n":3'
}

@test "bash, which reads bytes, starts jq and head, sleeps and draws" {
	{ at 1000; at 1100; at 3000; } >lines
	cat >node.sh <<-'SH'
		while read -r line; do
		    kind=$(jq -c .body.type <<<"$line")
		    drawn=$(head -c 4 /dev/urandom | od -An -tx1 | tr -d ' ')
		    echo "{\"src\":\"n1\",\"dest\":\"w\",\"body\":{\"t\":$kind,\"time\":$EPOCHREALTIME,\"r\":$RANDOM,\"drawn\":\"$drawn\",\"pid\":$$,\"date\":$(date +%s.%N)}}"
		    sleep 0.25
		done
	SH
	same "exec bash node.sh"
	assert_line --index 0 --partial '"time":1700000001.0'
	assert_line --index 1 --partial '"time":1700000001.25'
	assert_line --index 2 --partial '"time":1700000003.0'
}

@test "read -t in bash" {
	{ at 0; at 1000; } >lines
	cat >node.sh <<-'SH'
		read -r init
		for i in 1 2 3 4; do
		    read -r -t 0.7 line
		    echo "{\"src\":\"n1\",\"dest\":\"w\",\"body\":{\"status\":$?,\"time\":$EPOCHREALTIME}}"
		done
		read -r end
	SH
	same "exec bash node.sh"
	assert_equal "$(grep -o '"status":[0-9]*' one | tr '\n' ' ')" '"status":0 "status":142 "status":0 "status":142 '
	assert_line --index 3 --partial '"time":1700000001.7'
}

@test "processes of a node beside each other take turns" {
	{ at 1000; at 3000; } >lines
	cat >node.sh <<-'SH'
		say() { echo "{\"src\":\"n1\",\"dest\":\"w\",\"body\":{\"$1\":$EPOCHREALTIME,\"date\":$(date +%s.%N)}}"; }
		(while sleep 0.6; do say tick; done) &
		(while sleep 0.7; do say tock; done) &
		while read -r line; do say line; done
		kill %1 %2
	SH
	same "exec bash node.sh"
	[ "$(grep -c tick one)" -ge 15 ]
	[ "$(grep -c tock one)" -ge 13 ]
	grep -q '"line":1700000003.000' one
}

@test "a Python node that starts programs, waits for them for so long, and ends them" {
	{ at 1000; at 3000; } >lines
	cat >node.py <<-'PY'
		from message import *
		import subprocess
		for line in sys.stdin:
		    out = subprocess.run("sleep 0.5; date +%s.%N; echo $$", shell=True, capture_output=True, text=True, timeout=2).stdout
		    try:
		        subprocess.run(["sleep", "5"], timeout=0.3)
		    except subprocess.TimeoutExpired:
		        say(out=out, time=time.time())
	PY
	same "exec $python node.py"
	assert_line --index 0 --partial '"time": 1700000001.8'
	assert_line --index 1 --partial '"time": 1700000003.8'
}

# ---- randomness ----

@test "what is drawn depends on the seed and the node, wherever it is drawn from" {
	at 0 >lines
	cat >node.py <<-'PY'
		from message import *
		import uuid, tempfile
		node = json.loads(sys.stdin.readline())["dest"]
		print("%s drew" % node, random.random(), os.urandom(8).hex(), str(uuid.uuid4()), open("/dev/urandom", "rb").read(8).hex(),
		    hash("text"), id(object()), os.getpid(), next(tempfile._get_candidate_names()), file=sys.stderr, flush=True)
		sys.stdin.read()
	PY
	for n in 1 2 3; do
		netfault --virtual --seed $((n == 3 ? 2 : 1)) --until 1s -n 2 -- "$python" node.py </dev/null 2>&1 | sed -n 's/.* drew //p' | sort >drew.$n
		assert_equal "$(wc -l <drew.$n)" 2
	done
	diff drew.1 drew.2
	# No draw twice; addresses are not drawn.
	cat drew.1 drew.3 | tr ' ' '\n' | grep -v '^1407' | sort | uniq -d >twice
	[ ! -s twice ] || fail "$(cat twice)"
}

# ---- refusals ----

@test "a thread is refused, and so is a timer that cannot be virtual" {
	at 0 >lines
	cat >node.py <<-'PY'
		import threading
		threading.Thread(target=print).start()
	PY
	run --separate-stderr virtual "exec $python node.py"
	assert_equal "$status" 4
	[[ $stderr == *'netfault: virtual time: python3'*' starts a thread'* ]]
}
