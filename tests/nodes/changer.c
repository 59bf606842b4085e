/*
 * changer: a client in lockstep that changes who is in the cluster and who leads it, at random.
 *
 *     changer NAME NODES FOUNDERS QUIET_MS END_MS          as changer c2 n1,n2,n3,n4 3 10000 30000
 *
 * Of NODES the first FOUNDERS are members when it begins.  Now and then, until QUIET_MS, it lets one in or out, hands
 * the leadership over or asks for a snapshot, at any node, and waits for the answer; a change without one is asked for again
 * until it is done.  One more than half of all nodes are members at any time.
 *
 * From QUIET_MS on it lets in all that are out, again and again, as a request that had no answer may still wait at a node, which
 * it does for twelve times --request-timeout: that has to be 1s at most.  Once all are in and none can wait any more, it ends
 * with status 0 and says on stderr what it did; with 1 if that takes until END_MS.
 */
#include "tests/nodes/client.h"

enum { PAUSE_MS = 1500, PATIENCE_MS = 3000, SETTLED_MS = 14000 };

enum what { JOIN, LEAVE, TRANSFER, SNAPSHOT, WHATS };

static const char *const what_name[] = { "join", "leave", "transfer", "snapshot" };

static bool in[NODES_MAX];
static uint64_t quiet, end_by, next, done[WHATS];
static unsigned msg_id, who, members, round_at;
static enum what what;
static bool waits, sure;                /* sure: it is to be done, however often it takes */

static void ask(void)
{
	unsigned to;

	/* A node that is out holds such a request for long before it says no. */
	do
		to = (unsigned)draw(nodes);
	while (sure && !in[to]);
	waits = true;
	next = now + PATIENCE_MS * MS;
	printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"type\":\"%s\",\"msg_id\":%u", name, node[to], what_name[what], ++msg_id);
	if (what == TRANSFER)
		printf(",\"to\":\"%s\"", node[who]);
	else if (what != SNAPSHOT)
		printf(",\"node\":\"%s\"", node[who]);
	printf("}}\n");
}

static void choose(void)
{
	what = (enum what)draw(WHATS);
	who = (unsigned)draw(nodes);
	if (what == JOIN || what == LEAVE)
		what = in[who] ? LEAVE : JOIN;
	if ((what == LEAVE && members <= nodes / 2 + 1) || (what == TRANSFER && !in[who]))
		what = SNAPSHOT;
	sure = what == JOIN || what == LEAVE;
}

static void finish(void)
{
	for (int i = 0; i < WHATS; i++)
		fprintf(stderr, "%s%" PRIu64 " %s", i ? ", " : "", done[i], what_name[i]);
	fputc('\n', stderr);
	exit(0);
}

/* One after the other; a round counts that began when all was settled. */
static void let_all_in(void)
{
	static bool settled;

	if (round_at == nodes) {
		if (settled)
			finish();
		round_at = 0;
	}
	if (round_at == 0)
		settled = now >= quiet + SETTLED_MS * MS;
	what = JOIN;
	who = round_at++;
	sure = true;
}

static uint64_t act(void)
{
	if (now >= end_by)
		violated("not done: %s of %s has no answer", what_name[what], node[who]);
	if (now >= next) {
		if (waits && !sure)
			waits = false;
		if (!waits && now >= quiet)
			let_all_in();
		else if (!waits)
			choose();
		ask();
	}
	return next < end_by ? next : end_by;
}

static void take(const json_t *body, const char *type, const char *rest)
{
	(void)rest;
	if (!waits || answers(body) != msg_id)
		return;
	if (!strcmp(type, "error")) {
		if (code_of(body) == 12 || code_of(body) == 10)
			violated("%s of %s: %s", what_name[what], node[who], json_string_value(json_object_get(body, "text")));
		if (!sure)
			waits = false;
		next = now + draw(PAUSE_MS) * MS / 4;
		return;
	}
	waits = false;
	if (now >= quiet) {
		next = now + PAUSE_MS * MS / 8;
		return;
	}
	done[what]++;
	if (what == JOIN || what == LEAVE) {
		in[who] = what == JOIN;
		members = what == JOIN ? members + 1 : members - 1;
	}
	next = now + draw(2 * PAUSE_MS) * MS;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	client_init(argv[1], argv[2]);
	members = (unsigned)atoi(argv[3]);
	quiet = strtoull(argv[4], NULL, 10) * MS;
	end_by = strtoull(argv[5], NULL, 10) * MS;
	if (!members || members > nodes)
		return 2;
	for (unsigned i = 0; i < members; i++)
		in[i] = true;
	next = PAUSE_MS * MS;
	draws ^= 0x63;                  /* not what other clients draw */
	client_run();
	violated("the network is gone");
}
