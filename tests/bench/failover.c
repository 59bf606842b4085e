/*
 * failover: kills the leader of a cluster under netfault, and prints after how many milliseconds another node
 * acknowledged a write; then brings the killed one back.
 *
 *     failover SOCKET
 *
 * A write goes to a node that stays, every 5 ms, without waiting for the one before.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_MS = 5, GIVE_UP_MS = 20000 };

static FILE *in;
static int fd;
static long msg_id = 1;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "failover: %s\n", what);
	exit(4);
}

static long ask(const char *dest, const char *body)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "{\"src\":\"failover\",\"dest\":\"%s\",\"body\":{\"msg_id\":%ld,%s}}\n", dest,
			   msg_id, body);

	if (write(fd, line, (size_t)len) != len)
		fail("cannot write");
	return msg_id++;
}

/* The next line within the time, or NULL. */
static char *next_line(double within_ms)
{
	static char line[1 << 16];
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	if (poll(&poller, 1, within_ms > 0 ? (int)(within_ms + 0.999) : 0) <= 0)
		return NULL;
	if (!fgets(line, sizeof(line), in))
		fail("the network closed the connection");
	return line;
}

static long reply_to(const char *line)
{
	const char *p = strstr(line, "\"in_reply_to\":");

	return p ? atol(p + 14) : 0;
}

static char *answer_to(long id, double within_ms)
{
	double end = now_ms() + within_ms;
	char *line;

	while (now_ms() < end)
		if ((line = next_line(end - now_ms())) && reply_to(line) == id)
			return line;
	return NULL;
}

/* A node's leader into `leader`; false while it knows none. */
static int find_leader(char leader[8])
{
	char name[8];

	for (int i = 1; i <= 3; i++) {
		const char *line, *p;

		snprintf(name, sizeof(name), "n%d", i);
		line = answer_to(ask(name, "\"type\":\"status\""), 500);
		p = line ? strstr(line, "\"leader\":\"") : NULL;
		if (p && sscanf(p + 10, "%7[^\"]", leader) == 1)
			return 1;
	}
	return 0;
}

static void write_once(const char *to)
{
	double end = now_ms() + GIVE_UP_MS;

	while (now_ms() < end) {
		const char *line = answer_to(ask(to, "\"type\":\"write\",\"key\":\"f\",\"value\":1"), 300);

		if (line && strstr(line, "write_ok"))
			return;
	}
	fail("no write succeeds");
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char leader[8], body[64];
	const char *other;
	double start, next, done = 0;
	long first;

	if (argc != 2)
		fail("usage: failover SOCKET");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("cannot connect");
	in = fdopen(dup(fd), "r");
	setvbuf(in, NULL, _IONBF, 0);
	start = now_ms();
	while (!find_leader(leader))
		if (now_ms() - start > GIVE_UP_MS)
			fail("there is no leader");
	other = strcmp(leader, "n1") ? "n1" : "n2";
	write_once(other);
	usleep((useconds_t)(rand() % 50) * 1000);
	snprintf(body, sizeof(body), "\"type\":\"crash\",\"node\":\"%s\"", leader);
	first = msg_id;
	ask("net", body);
	start = next = now_ms();
	while (!done && now_ms() - start < GIVE_UP_MS) {
		const char *line;

		if (now_ms() >= next) {
			ask(other, "\"type\":\"write\",\"key\":\"f\",\"value\":2");
			next += EVERY_MS;
		}
		line = next_line(next - now_ms());
		if (line && reply_to(line) > first && strstr(line, "write_ok"))
			done = now_ms();
	}
	if (!done)
		fail("no write succeeded after the kill");
	printf("%.1f\n", done - start);
	snprintf(body, sizeof(body), "\"type\":\"restart\",\"node\":\"%s\"", leader);
	answer_to(ask("net", body), 2000);
	write_once(leader);
	usleep(200000);
	return 0;
}
