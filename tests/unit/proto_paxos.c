/*
 * lib/proto/paxos: the messages of Paxos as JSON, there and back; what is none; and the records of its log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/proto/paxos_coat.h"

static struct paxos_names *names;
static struct paxos_texts texts;
static struct paxos_message m;
static struct wire_value data;
static char line[1 << 16];

/* Reads it into m and texts; NULL, or why not; "unknown" where it is no message of Paxos. */
static const char *read_body(const char *body)
{
	struct wire_line l;
	const char *why = NULL;

	snprintf(line, sizeof(line), "{\"src\":\"n2\",\"dest\":\"n1\",\"body\":%s}", body);
	assert_int_equal(wire_parse(&l, line, strlen(line)), 0);
	return paxos_body_read(names, &l, &m, &texts, &data, &why) ? why : "unknown";
}

/* What is read and written again is the same, but for the texts at its end. */
static void same(const char *plain, const char *rest)
{
	char body[8192];
	struct buf b = { 0 };

	snprintf(body, sizeof(body), "{%s%s}", plain, rest);
	assert_null(read_body(body));
	assert_string_equal(m.peer, "n2");
	paxos_body_write(&b, &m);
	buf_putc(&b, '\0');
	assert_string_equal(b.at, plain);
	buf_release(&b);
}

static void every_message_of_the_log_comes_back_as_it_went(void **state)
{
	(void)state;
	same("\"type\":\"prepare\",\"ballot\":[2,\"n1\"],\"from\":7", "");
	same("\"type\":\"prepare\",\"ballot\":[2,\"a\\\"b\"],\"from\":7,\"slot\":9,\"pre\":true,\"transfer\":true,"
	     "\"promised\":[1,\"c\"],\"incarnation\":5", "");
	same("\"type\":\"promise\",\"ballot\":[2,\"n1\"],\"from\":7,\"chosen\":6,\"more\":true",
	     ",\"accepted\":[{\"slot\":7,\"ballot\":[1,\"n2\"],\"value\":{\"type\":\"noop\"}},{\"slot\":9,\"ballot\":[1,\"n3\"],\"value\":{}}]");
	assert_int_equal(m.count, 2);
	assert_int_equal(m.values[1].slot, 9);
	assert_string_equal(m.values[1].ballot.node, "n3");
	assert_int_equal(texts.text[0].len, 15);
	same("\"type\":\"accept\",\"ballot\":[2,\"n1\"],\"slot\":7,\"upto\":3", ",\"values\":[{\"a\":1},{\"b\":2}]");
	assert_int_equal(m.count, 2);
	assert_memory_equal(texts.text[1].p, "{\"b\":2}", 7);
	same("\"type\":\"accept\",\"ballot\":[2,\"n1\"],\"slot\":7,\"from\":4", ",\"values\":[]");
	same("\"type\":\"accepted\",\"ballot\":[2,\"n1\"],\"slot\":7,\"count\":2,\"chosen\":6,\"round\":3,\"learner\":true", "");
	same("\"type\":\"nack\",\"ballot\":[2,\"n1\"],\"promised\":[3,\"n3\"],\"slot\":7", "");
	same("\"type\":\"nack\",\"ballot\":[2,\"n1\"],\"promised\":null,\"from\":7,\"chosen\":3,\"pre\":true", "");
	same("\"type\":\"chosen\",\"ballot\":[2,\"n1\"],\"upto\":7,\"round\":12", "");
	same("\"type\":\"catchup\",\"from\":3", "");
	same("\"type\":\"chosen_values\",\"ballot\":[2,\"n1\"],\"from\":3", ",\"values\":[{}]");
	same("\"type\":\"install_snapshot\",\"ballot\":[2,\"n1\"],\"last_included_index\":9,\"offset\":0", ",\"data\":\"x\",\"done\":true");
	assert_true(m.done && data.kind == WIRE_STRING);
	same("\"type\":\"install_snapshot_ok\",\"last_included_index\":9,\"offset\":10", "");
	same("\"type\":\"prepare_now\",\"ballot\":[2,\"n1\"]", "");
	same("\"type\":\"hello\",\"known\":true,\"incarnation\":5", "");
	same("\"type\":\"hello_ok\",\"asked\":7,\"fresh\":true,\"unsure\":true,\"forgot\":true,\"known\":true,\"incarnation\":5", "");
	assert_true(m.fresh && m.unsure && m.forgot && m.known && m.round == 7);
}

static void every_message_of_a_register_comes_back_as_it_went(void **state)
{
	(void)state;
	same("\"type\":\"prepare\",\"ballot\":[2,\"n1\"],\"instance\":\"x\",\"epoch\":1,\"incarnation\":5", "");
	assert_string_equal(m.instance, "x");
	same("\"type\":\"promise\",\"ballot\":[2,\"n1\"],\"instance\":\"x\"", ",\"accepted\":null");
	assert_int_equal(m.accepted.accepted.round, 0);
	same("\"type\":\"promise\",\"ballot\":[2,\"n1\"],\"instance\":\"x\"", ",\"accepted\":{\"ballot\":[1,\"n3\"],\"value\":[1, 2],\"change\":true}");
	assert_true(m.accepted.accepted.round == 1 && m.accepted.change);
	assert_memory_equal(texts.text[0].p, "[1, 2]", 6);
	same("\"type\":\"accept\",\"ballot\":[2,\"n1\"],\"instance\":\"x\\ny\",\"change\":true", ",\"value\":\"v\"");
	assert_memory_equal(texts.text[0].p, "\"v\"", 3);
	same("\"type\":\"accepted\",\"ballot\":[2,\"n1\"],\"instance\":\"x\"", "");
	same("\"type\":\"nack\",\"ballot\":[2,\"n1\"],\"promised\":[3,\"n3\"],\"instance\":\"x\"", "");
	same("\"type\":\"chosen\",\"instance\":\"x\"", ",\"value\":null");
	same("\"type\":\"sync\",\"epoch\":2,\"after\":\"\"", "");
	same("\"type\":\"sync_ok\",\"epoch\":2,\"after\":\"\",\"more\":true,\"complete\":true",
	     ",\"registers\":[{\"instance\":\"a\",\"promised\":null,\"accepted\":null},"
	     "{\"instance\":\"b\",\"promised\":[2,\"n1\"],\"accepted\":{\"ballot\":[1,\"n1\"],\"value\":7},\"chosen\":true}]");
	assert_int_equal(m.count, 2);
	assert_string_equal(m.registers[1].instance, "b");
	assert_true(m.registers[1].chosen && m.registers[1].accepted.round == 1 && !m.registers[0].promised.round);
	assert_memory_equal(texts.text[1].p, "7", 1);
}

static void what_lacks_a_member_or_has_it_of_the_wrong_kind_is_malformed(void **state)
{
	static const char *const bad[] = {
		"{\"type\":\"prepare\",\"from\":1}", "{\"type\":\"prepare\",\"ballot\":[1,\"n1\"]}",
		"{\"type\":\"prepare\",\"ballot\":[1],\"from\":1}", "{\"type\":\"prepare\",\"ballot\":[1,\"\"],\"from\":1}",
		"{\"type\":\"prepare\",\"ballot\":[1,\"n1\",2],\"from\":1}", "{\"type\":\"prepare\",\"ballot\":[-1,\"n1\"],\"from\":1}",
		"{\"type\":\"prepare\",\"ballot\":[1,1],\"from\":1}", "{\"type\":\"prepare\",\"ballot\":null,\"from\":1}",
		"{\"type\":\"prepare\",\"ballot\":{},\"from\":1}", "{\"type\":\"prepare\",\"ballot\":[1,\"n1\"],\"from\":1.5}",
		"{\"type\":\"prepare\",\"ballot\":[1,\"n1\"],\"instance\":\"\"}",
		"{\"type\":\"prepare\",\"ballot\":[1,\"n1\"],\"instance\":5}",
		"{\"type\":\"prepare\",\"ballot\":[1,\"n1\"],\"from\":1,\"pre\":1}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"from\":1,\"chosen\":0}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"from\":1,\"chosen\":0,\"accepted\":[5]}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"from\":1,\"chosen\":0,\"accepted\":[{\"slot\":0,\"ballot\":[1,\"n1\"],\"value\":{}}]}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"from\":1,\"chosen\":0,\"accepted\":[{\"slot\":1,\"ballot\":[1,\"n1\"]}]}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"from\":1,\"chosen\":0,\"accepted\":[{\"slot\":1,\"ballot\":[1,\"n1\"],\"value\":5}]}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"instance\":\"x\",\"accepted\":{\"ballot\":[1,\"n1\"]}}",
		"{\"type\":\"promise\",\"ballot\":[1,\"n1\"],\"instance\":\"x\",\"accepted\":5}",
		"{\"type\":\"accept\",\"ballot\":[1,\"n1\"],\"slot\":1}", "{\"type\":\"accept\",\"ballot\":[1,\"n1\"],\"slot\":1,\"values\":{}}",
		"{\"type\":\"accept\",\"ballot\":[1,\"n1\"],\"slot\":1,\"values\":[[]]}",
		"{\"type\":\"accept\",\"ballot\":[1,\"n1\"],\"instance\":\"x\"}",
		"{\"type\":\"nack\",\"ballot\":[1,\"n1\"]}", "{\"type\":\"chosen\",\"upto\":1}", "{\"type\":\"chosen\",\"instance\":\"x\"}",
		"{\"type\":\"install_snapshot\",\"last_included_index\":1,\"offset\":0,\"data\":5}",
		"{\"type\":\"sync_ok\",\"after\":\"\",\"registers\":[{\"instance\":\"\",\"promised\":null,\"accepted\":null}]}",
		"{\"type\":\"sync_ok\",\"after\":\"\",\"registers\":[7]}",
	};
	char long_name[400];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!read_body(bad[i]))
			fail_msg("taken: %s", bad[i]);
	snprintf(long_name, sizeof(long_name), "{\"type\":\"chosen\",\"instance\":\"%0257d\",\"value\":1}", 0);
	assert_non_null(read_body(long_name));
	assert_string_equal(read_body("{\"type\":\"read\",\"key\":1}"), "unknown");
	assert_string_equal(read_body("{\"type\":\"append_entries\",\"term\":1}"), "unknown");
}

static void a_configuration_says_which_it_is_and_who_votes_in_which_epoch_as_which_incarnation(void **state)
{
	static const char text[] = "{\"type\":\"config\",\"voters\":[\"n1\",\"n2\"],\"learners\":[\"n3\"],\"version\":9,\"epoch\":4,\"incarnations\":{\"n2\":77},"
				   "\"changed\":{\"node\":\"n3\",\"voter\":true,\"incarnation\":5}}";
	struct paxos_config c;
	struct buf b = { 0 };

	(void)state;
	assert_true(paxos_config_read((struct wire_text){ text, sizeof(text) - 1 }, &c));
	assert_int_equal(c.count, 3);
	assert_int_equal(c.version, 9);
	assert_int_equal(c.epoch, 4);
	assert_int_equal(c.member[1].incarnation, 77);
	assert_true(c.member[1].voter && !c.member[2].voter);
	assert_string_equal(c.changed.name, "n3");
	assert_true(c.changed.voter && c.changed.incarnation == 5);
	paxos_config_write(&b, &c);
	assert_int_equal(b.len, sizeof(text) - 1);
	assert_memory_equal(b.at, text, b.len);
	buf_release(&b);
	assert_null(read_body("{\"type\":\"accept\",\"ballot\":[1,\"n1\"],\"slot\":1,\"values\":[{},{\"type\":\"config\",\"voters\":[\"n1\"]},{\"x\":\"\\\"config\\\"\"}]}"));
	assert_true(!m.values[0].config && m.values[1].config && !m.values[2].config);
	assert_int_equal(m.values[1].config->count, 1);
}

static void a_record_of_a_slot_is_read_as_it_was_written(void **state)
{
	struct paxos_ballot ballot = { 12, "a\"\\b" }, got;
	struct wire_text value;
	struct buf b = { 0 };
	paxos_slot slot;

	(void)state;
	paxos_record_entry(&b, 7, &ballot);
	buf_puts(&b, "{\"type\":\"noop\"}}");
	assert_true(paxos_record_is_entry(b.at, b.len, &slot, &got, &value));
	assert_int_equal(slot, 7);
	assert_int_equal(got.round, 12);
	assert_string_equal(got.node, "a\"\\b");
	assert_int_equal(value.len, 15);
	/* Cut anywhere it is none. */
	for (size_t len = 0; len + 1 < b.len; len++)
		if (paxos_record_is_entry(b.at, len, &slot, &got, &value))
			assert_int_equal(b.at[len - 1], '}');
	buf_release(&b);
}

static void gaps_are_kept_by_slot_and_go_from_the_front(void **state)
{
	struct gaps g = { 0 };
	struct store_pos was;

	(void)state;
	for (paxos_slot s = 100; s > 50; s--)
		gaps_put(&g, s, (struct wire_text){ "old", 3 }, (struct store_pos){ 3, (uint32_t)s }, &was);
	gaps_put(&g, 60, (struct wire_text){ "new", 3 }, (struct store_pos){ 2, 1 }, &was);
	assert_int_equal(was.offset, 60);
	assert_memory_equal(gaps_find(&g, 60)->text, "new", 3);
	assert_null(gaps_find(&g, 50));
	assert_int_equal(gaps_oldest(&g).segment, 2);
	for (paxos_slot s = 51; s <= 100; s++) {
		assert_int_equal(gaps_front(&g)->slot, s);
		gaps_pop(&g);
	}
	assert_null(gaps_front(&g));
	assert_int_equal(gaps_oldest(&g).segment, 0);
	gaps_put(&g, 7, (struct wire_text){ "x", 1 }, (struct store_pos){ 1, 1 }, &was);
	gaps_release(&g);
}

static void registers_are_found_by_name_and_known_by_age(void **state)
{
	struct regs rs = { 0 };
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		reg_text(regs_put(&rs, name, (struct store_pos){ 1, i }), (struct wire_text){ name, strlen(name) });
	}
	for (uint32_t i = 0; i < 1000; i += 2) {
		snprintf(name, sizeof(name), "r%u", i);
		regs_put(&rs, name, (struct store_pos){ 2, i });
	}
	assert_int_equal(rs.count, 1000);
	assert_string_equal(rs.oldest->instance, "r1");
	assert_string_equal(rs.newest->instance, "r998");
	assert_memory_equal(regs_find(&rs, "r500")->text, "r500", 4);
	assert_int_equal(regs_find(&rs, "r500")->pos.segment, 2);
	assert_null(regs_find(&rs, "r1000"));
	regs_release(&rs);
}

static int setup(void **state)
{
	(void)state;
	names = paxos_names_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	paxos_names_free(names);
	paxos_texts_release(&texts);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_of_the_log_comes_back_as_it_went),
		cmocka_unit_test(every_message_of_a_register_comes_back_as_it_went),
		cmocka_unit_test(what_lacks_a_member_or_has_it_of_the_wrong_kind_is_malformed),
		cmocka_unit_test(a_configuration_says_which_it_is_and_who_votes_in_which_epoch_as_which_incarnation),
		cmocka_unit_test(a_record_of_a_slot_is_read_as_it_was_written),
		cmocka_unit_test(gaps_are_kept_by_slot_and_go_from_the_front),
		cmocka_unit_test(registers_are_found_by_name_and_known_by_age),
	};

	return cmocka_run_group_tests_name("proto_paxos", tests, setup, teardown);
}
