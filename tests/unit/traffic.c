/* lib/traffic: what is under way, in order, and each message its fate. */
#include "lib/traffic/queue.h"
#include "tests/unit/traffic_net.h"

/* --- The queue --- */

/* The order of (time, number), found by looking at all. */
static void the_queue_is_in_the_order_of_time_and_number(void **state)
{
	static struct { uint64_t at; bool there; } item[4000];
	static const uint64_t spreads[] = { 1, 3, 1000, UINT64_C(1) << 40 };

	(void)state;
	for (size_t round = 0; round < 4; round++) {
		struct traffic_queue q = { .count = 0 };
		size_t put = 0, waits = 0;
		uint64_t now = round * 7;

		state_of_draw = round;
		while (put < 4000 || waits) {
			size_t first = SIZE_MAX;

			if (put < 4000 && draw(100) < 55) {
				item[put].at = now + draw(spreads[round]);
				item[put].there = true;
				traffic_queue_put(&q, item[put].at, &item[put]);
				put++;
				waits++;
				continue;
			}
			for (size_t i = 0; i < put; i++)
				if (item[i].there && (first == SIZE_MAX || item[i].at < item[first].at))
					first = i;
			assert_int_equal(traffic_queue_next(&q), first == SIZE_MAX ? UINT64_MAX : item[first].at);
			if (first == SIZE_MAX)
				continue;
			assert_ptr_equal(traffic_queue_take(&q), &item[first]);
			now = item[first].at;
			item[first].there = false;
			waits--;
			assert_int_equal(q.count, waits);
		}
		assert_int_equal(traffic_queue_next(&q), UINT64_MAX);
		traffic_queue_release(&q);
	}
}

/* --- Order and time --- */

static void a_perfect_network_is_idle_and_passes_all_at_once(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic *t = must_open(&o);

	(void)state;
	assert_true(traffic_idle(t));
	assert_true(send_text(t, 5, "n1", "n2", "x"));
	assert_int_equal(traffic_under_way(t), 0);
	assert_int_equal(traffic_next(t), FAULT_NEVER);
	assert_nothing(t, 100 * MS);
	traffic_free(t);
}

static void delayed_messages_arrive_at_their_time_and_no_sooner(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic *t;

	(void)state;
	o.fault.settings = delayed(20 * MS);
	t = must_open(&o);
	assert_false(traffic_idle(t));
	assert_false(send_text(t, 1 * MS, "n1", "n2", "first"));
	assert_false(send_text(t, 2 * MS, "n3", "n4", "second"));
	assert_int_equal(traffic_under_way(t), 2);
	assert_int_equal(traffic_bytes_under_way(t), 11);
	assert_int_equal(traffic_next(t), 21 * MS);
	assert_nothing(t, 21 * MS - 1);
	assert_arrives(t, 21 * MS, "first");
	assert_nothing(t, 21 * MS);
	assert_arrives(t, 30 * MS, "second");
	assert_int_equal(traffic_under_way(t), 0);
	assert_int_equal(traffic_bytes_under_way(t), 0);
	traffic_free(t);
}

static void equal_times_keep_the_order_of_sending_over_all_links(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic *t;
	char text[16];

	(void)state;
	o.fault.settings = delayed(MS);
	t = must_open(&o);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_false(send_text(t, 0, names[i % 3], names[3], text));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_arrives(t, MS, text);
	}
	traffic_free(t);
}

/* The one before waits for its time, which is now. */
static void what_needs_no_delay_does_not_overtake_what_is_due(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct fault_order slow = { .kind = FAULT_ORDER_LINK, .nodes = (char[]){ "n1>n2" }, .settings = delayed(MS) };
	struct traffic *t = must_open(&o);

	(void)state;
	order(t, 0, slow);
	assert_false(send_text(t, 0, "n1", "n2", "slow"));
	assert_true(send_text(t, MS - 1, "n3", "n2", "before"));
	assert_false(send_text(t, MS, "n3", "n2", "behind"));
	assert_arrives(t, MS, "slow");
	assert_arrives(t, MS, "behind");
	traffic_free(t);
}

/* --- Fates --- */

static void a_duplicate_comes_twice(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic_counts c;
	struct traffic *t;

	(void)state;
	o.fault.settings = (struct fault_settings){ .set = FAULT_SET_DUPLICATE, .duplicate = { .p = 1 } };
	t = must_open(&o);
	assert_true(send_text(t, 0, "n1", "n2", "x"));
	assert_int_equal(traffic_under_way(t), 1);
	assert_arrives(t, 0, "x");
	assert_nothing(t, 1000 * MS);
	traffic_counts(t, &c);
	assert_int_equal(c.sent, 1);
	assert_int_equal(c.duplicated, 1);
	assert_int_equal(c.delivered, 2);
	traffic_free(t);
}

static void a_corrupted_line_arrives_changed_and_as_one_line(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic_message m;
	struct traffic *t;

	(void)state;
	o.fault.settings = (struct fault_settings){
		.set = FAULT_SET_CORRUPT | FAULT_SET_TRUNCATE, .corrupt = { .p = 1 }, .truncate = { .p = 0.5 },
	};
	t = must_open(&o);
	for (int i = 0; i < 200; i++) {
		assert_false(send_text(t, 0, "n1", "n2", "{\"src\":\"n1\"}"));
		assert_true(traffic_take(t, 0, &m));
		assert_true(m.len <= 12);
		assert_true(m.len != 12 || memcmp(m.line, "{\"src\":\"n1\"}", 12) != 0);
		assert_null(memchr(m.line, '\n', m.len));
		assert_int_equal(m.line[m.len], '\n');
	}
	traffic_free(t);
}

static void a_partition_is_tested_at_delivery_or_at_sending(void **state)
{
	(void)state;
	for (int at_send = 0; at_send < 2; at_send++) {
		struct traffic_options o = { .fault = faults(1), .cut_at_send = at_send };
		struct traffic_counts c;
		struct traffic *t;

		o.fault.settings = delayed(10 * MS);
		t = must_open(&o);
		send_text(t, 0, "n1", "n2", "before");
		order(t, 5 * MS, partition());
		send_text(t, 6 * MS, "n1", "n2", "during");
		send_text(t, 6 * MS, "n2", "n3", "others");
		send_text(t, 6 * MS, "n1", "c1", "client");
		if (at_send)
			assert_arrives(t, 10 * MS, "before");
		else
			assert_nothing(t, 10 * MS);
		order(t, 15 * MS, heal());
		if (!at_send)
			assert_arrives(t, 16 * MS, "during");
		assert_arrives(t, 16 * MS, "others");
		assert_nothing(t, 1000 * MS);
		traffic_counts(t, &c);
		assert_int_equal(c.dropped[FAULT_CUT], 1);
		assert_int_equal(c.delivered, 3);       /* the client's has no delay: --client-links is not given */
		traffic_free(t);
	}
}

static void settings_change_with_orders_in_the_midst_of_a_link(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct fault_order lossy = {
		.kind = FAULT_ORDER_LINK, .nodes = (char[]){ "n1>n2" },
		.settings = { .set = FAULT_SET_LOSS, .loss = { .p = 1 } },
	};
	struct traffic *t = must_open(&o);
	struct traffic_link *l = link_of(t, "n1", "n2");

	(void)state;
	assert_true(traffic_send(t, 0, l, "x", 1));
	order(t, 1, lossy);
	assert_false(traffic_idle(t));
	assert_false(traffic_send(t, 2, l, "x", 1));
	assert_int_equal(traffic_under_way(t), 0);
	order(t, 3, heal());
	assert_true(traffic_idle(t));
	assert_true(traffic_send(t, 4, l, "x", 1));
	traffic_free(t);
}

static void what_comes_from_elsewhere_has_had_its_faults_but_is_cut_off(void **state)
{
	struct traffic_options o = { .fault = faults(1) };
	struct traffic_link *l, *of_client;
	struct traffic *t;

	(void)state;
	o.fault.settings = (struct fault_settings){ .set = FAULT_SET_LOSS, .loss = { .p = 1 } };
	o.fault.clients = true;
	t = must_open(&o);
	l = link_of(t, "n1", "n2");
	of_client = link_of(t, "c1", "n2");
	traffic_link_elsewhere(l, true);
	traffic_link_elsewhere(of_client, true);
	assert_true(traffic_send(t, 0, l, "x", 1));
	assert_false(traffic_send(t, 0, of_client, "x", 1));
	order(t, 1, partition());
	assert_false(traffic_send(t, 2, l, "x", 1));
	order(t, 3, heal());
	traffic_link_elsewhere(l, false);
	assert_false(traffic_send(t, 4, l, "x", 1));
	traffic_free(t);
}

static void more_than_the_bound_is_lost_and_counted(void **state)
{
	struct traffic_options o = { .fault = faults(1), .bytes_max = 10 };
	struct traffic_counts c;
	struct traffic *t;

	(void)state;
	o.fault.settings = delayed(MS);
	t = must_open(&o);
	send_text(t, 0, "n1", "n2", "12345");
	send_text(t, 0, "n1", "n2", "12345");
	send_text(t, 0, "n1", "n2", "x");
	assert_int_equal(traffic_under_way(t), 2);
	assert_arrives(t, MS, "12345");
	send_text(t, MS, "n1", "n2", "y");
	assert_int_equal(traffic_under_way(t), 2);
	traffic_counts(t, &c);
	assert_int_equal(c.overflowed, 1);
	traffic_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_queue_is_in_the_order_of_time_and_number),
		cmocka_unit_test(a_perfect_network_is_idle_and_passes_all_at_once),
		cmocka_unit_test(delayed_messages_arrive_at_their_time_and_no_sooner),
		cmocka_unit_test(equal_times_keep_the_order_of_sending_over_all_links),
		cmocka_unit_test(what_needs_no_delay_does_not_overtake_what_is_due),
		cmocka_unit_test(a_duplicate_comes_twice),
		cmocka_unit_test(a_corrupted_line_arrives_changed_and_as_one_line),
		cmocka_unit_test(a_partition_is_tested_at_delivery_or_at_sending),
		cmocka_unit_test(settings_change_with_orders_in_the_midst_of_a_link),
		cmocka_unit_test(what_comes_from_elsewhere_has_had_its_faults_but_is_cut_off),
		cmocka_unit_test(more_than_the_bound_is_lost_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
