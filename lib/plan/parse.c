/*
 * An order as JSON: a line of a plan, or the body of a message to `net`.
 *
 * Each member is taken by a function of its own; which a type may have, and which it needs, says the table behind
 * them.
 */
#include "lib/plan/inside.h"
#include "lib/base/err.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TIME_RIGHT "must be a time up to 8760h, as \"50ms\" or \"1.5s\", or a whole number of nanoseconds"
#define NODE_RIGHT "must be a name, a list of names, \"*\", \"?\" or \"?2\""
#define OFFSET_RIGHT "must be a time up to 8760h, as \"50ms\" or \"-50ms\""
#define DRIFT_RIGHT "must be a number above 0 and up to 1000: at 2 the clock is twice as fast"

/* What is shown of a value that is wrong. */
struct shown { char *text; struct piece piece; };

static struct shown show(const json_t *value)
{
	struct shown s = { .text = NULL };

	if (json_is_string(value)) {
		s.piece = (struct piece){ json_string_value(value), json_string_length(value) };
		return s;
	}
	s.text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	s.piece = s.text ? (struct piece){ s.text, strlen(s.text) } : (struct piece){ "?", 1 };
	return s;
}

static int wrong_value(struct plan_error *e, const char *name, const json_t *value, const char *right)
{
	struct shown s = show(value);

	plan_wrong(e, "%s '%.*s': %s", name, SHOWN(s.piece), right);
	free(s.text);
	return -1;
}

static struct piece string_piece(const json_t *value)
{
	return (struct piece){ json_string_value(value), json_string_length(value) };
}

/* --- Members --- */

static bool time_value(const json_t *value, uint64_t *ns)
{
	struct piece text = string_piece(value);

	if (json_is_string(value))
		return !plan_duration(text.p, text.len, ns);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ns = (uint64_t)json_integer_value(value);
	return *ns <= PLAN_NS_MAX;
}

static int take_at(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	return time_value(value, &o->at_ns) ? 0 : wrong_value(e, name, value, TIME_RIGHT);
}

static int take_for(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	if (!time_value(value, &o->for_ns))
		return wrong_value(e, name, value, TIME_RIGHT);
	return o->for_ns ? 0 : wrong_value(e, name, value, "must be longer than that");
}

static int take_id(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	if (!json_is_integer(value) || json_integer_value(value) <= 0)
		return wrong_value(e, name, value, "must be a whole number from 1 on");
	o->id = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_one_way(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	o->one_way = json_is_true(value);
	return json_is_boolean(value) ? 0 : wrong_value(e, name, value, "must be true or false");
}

static int take_link(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	if (!json_is_string(value))
		return wrong_value(e, name, value, "must be FROM>TO or A<>B, as \"n1>n2\"");
	if (plan_pattern(string_piece(value), e))
		return -1;
	o->nodes = must_strdup(json_string_value(value));
	return 0;
}

static int take_shape(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	if (!json_is_string(value))
		return wrong_value(e, name, value, "must be halves, majority, minority-third, one, ring or bridge");
	return plan_shape(string_piece(value), &o->shape, e);
}

/* An array of names, parted by commas; `seen` has them all, none twice.  "?" is another one each time. */
static int put_names(struct buf *b, json_t *seen, const char *name, const json_t *list, struct plan_error *e)
{
	json_t *element;
	size_t i;

	if (!json_array_size(list))
		return wrong_value(e, name, list, "there is no name in it");
	json_array_foreach(list, i, element) {
		struct piece text = string_piece(element);

		if (!json_is_string(element) || (!plan_name_right(text) && !plan_some_right(text)))
			return wrong_value(e, name, element, "is no name of a node");
		if (*text.p != '?' && json_object_get(seen, text.p))
			return wrong_value(e, name, element, "is there twice");
		if (json_object_set(seen, text.p, element))
			return plan_wrong(e, "no memory");
		if (i)
			buf_putc(b, ',');
		buf_add(b, text.p, text.len);
	}
	return 0;
}

/* One list, or with `groups` several, parted by '|'. */
static int take_names(struct fault_order *o, const char *name, const json_t *value, bool groups, struct plan_error *e)
{
	json_t *seen = json_object(), *group;
	struct buf b = { 0 };
	size_t i;
	int rc = groups ? 0 : put_names(&b, seen, name, value, e);

	if (groups) {
		json_array_foreach(value, i, group) {
			if (i)
				buf_putc(&b, '|');
			rc = json_is_array(group) ? put_names(&b, seen, name, group, e) :
				wrong_value(e, name, group, "must be a list of names");
			if (rc)
				break;
		}
	}
	buf_putc(&b, '\0');
	if (!rc)
		o->nodes = must_strdup(b.at);
	buf_release(&b);
	json_decref(seen);
	return rc;
}

static int take_node(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	struct piece text = string_piece(value);

	if (json_is_array(value))
		return take_names(o, name, value, false, e);
	if (!json_is_string(value) || (!plan_name_right(text) && !plan_some_right(text)))
		return wrong_value(e, name, value, NODE_RIGHT);
	o->nodes = must_strdup(text.p);
	return 0;
}

static int take_groups(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	if (!json_array_size(value))
		return wrong_value(e, name, value, "must be lists of names, as [[\"n1\",\"n2\"],[\"n3\"]]");
	return take_names(o, name, value, true, e);
}

static int take_offset(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	json_int_t ns = json_integer_value(value);
	bool right;

	if (json_is_integer(value)) {
		right = ns >= -(json_int_t)PLAN_NS_MAX && ns <= (json_int_t)PLAN_NS_MAX;
		o->offset_ns = ns;
	} else {
		right = json_is_string(value) && plan_offset(string_piece(value), &o->offset_ns);
	}
	return right ? 0 : wrong_value(e, name, value, OFFSET_RIGHT);
}

static int take_drift(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	o->drift = json_number_value(value);
	return o->drift > 0 && o->drift <= PLAN_DRIFT_MAX ? 0 : wrong_value(e, name, value, DRIFT_RIGHT);
}

/* A number is in the unit that needs no name: a share, nanoseconds, bits a second. */
static int take_setting(struct fault_order *o, const char *name, const json_t *value, struct plan_error *e)
{
	struct piece text = string_piece(value);
	struct buf b = { 0 };
	int rc;

	if (!json_is_string(value) && !json_is_number(value))
		return wrong_value(e, name, value, "must be a number or a string");
	if (json_is_integer(value))
		buf_printf(&b, "%jd%s", (intmax_t)json_integer_value(value), !json_integer_value(value) ? "" :
			   !strcmp(name, "delay") ? "ns" : !strcmp(name, "rate") ? "bit" : "");
	else if (json_is_real(value))
		plan_number_print(&b, json_real_value(value));
	if (!json_is_string(value))
		text = (struct piece){ b.at, b.len };
	rc = plan_setting(&o->settings, name, strlen(name), text.p, text.len, e);
	buf_release(&b);
	return rc;
}

/* --- The table --- */

enum {
	OF_LINK = 1 << FAULT_ORDER_LINK, OF_PARTITION = 1 << FAULT_ORDER_PARTITION, OF_ISOLATE = 1 << FAULT_ORDER_ISOLATE,
	OF_CRASH = 1 << FAULT_ORDER_CRASH, OF_RESTART = 1 << FAULT_ORDER_RESTART, OF_PAUSE = 1 << FAULT_ORDER_PAUSE,
	OF_RESUME = 1 << FAULT_ORDER_RESUME, OF_SKEW = 1 << FAULT_ORDER_SKEW,
	OF_NODES = OF_ISOLATE | OF_CRASH | OF_RESTART | OF_PAUSE | OF_RESUME | OF_SKEW,
	OF_LASTING = OF_LINK | OF_PARTITION | OF_ISOLATE | OF_CRASH | OF_PAUSE | OF_SKEW,
	OF_ANY = (1 << FAULT_ORDERS) - 1,
};

static const struct member {
	const char *name;
	unsigned of;                    /* the types that have it */
	int (*take)(struct fault_order *, const char *name, const json_t *, struct plan_error *);
} members[] = {
	{ "at", OF_ANY, take_at }, { "id", OF_ANY, take_id },
	{ "link", OF_LINK, take_link }, { "groups", OF_PARTITION, take_groups }, { "shape", OF_PARTITION, take_shape },
	{ "node", OF_NODES, take_node }, { "one_way", OF_PARTITION | OF_ISOLATE, take_one_way },
	{ "offset", OF_SKEW, take_offset }, { "drift", OF_SKEW, take_drift },
	{ "loss", OF_LINK, take_setting }, { "delay", OF_LINK, take_setting }, { "duplicate", OF_LINK, take_setting },
	{ "reorder", OF_LINK, take_setting }, { "corrupt", OF_LINK, take_setting }, { "truncate", OF_LINK, take_setting },
	{ "rate", OF_LINK, take_setting }, { "for", OF_LASTING, take_for },
};
enum { MEMBERS = sizeof(members) / sizeof(*members) };

static int no_member(struct piece name, enum fault_kind kind, struct plan_error *e)
{
	const char *words[MEMBERS + 2] = { "type" }, *near;
	size_t n = 1;

	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].of & 1U << kind)
			words[n++] = members[i].name;
	near = plan_near(name, words);
	if (near)
		return plan_wrong(e, "'%.*s' is no member of '%s': did you mean '%s'?", SHOWN(name), plan_kind_name[kind], near);
	return plan_wrong(e, "'%.*s' is no member of '%s'", SHOWN(name), plan_kind_name[kind]);
}

/* Unknown members of a body are not ours; those of a plan are errors, or a slip would do something else unseen. */
static int take_member(struct fault_order *o, struct piece name, const json_t *value, bool body, struct plan_error *e)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!piece_is(name, members[i].name))
			continue;
		if (body && members[i].take == take_at)
			return plan_wrong(e, "at is for a line of a plan: what 'net' is told is done at once");
		return members[i].of & 1U << o->kind ? members[i].take(o, members[i].name, value, e) :
			no_member(name, o->kind, e);
	}
	return body || piece_is(name, "type") ? 0 : no_member(name, o->kind, e);
}

static int check_whole(const struct fault_order *o, const json_t *object, bool body, struct plan_error *e)
{
	unsigned of = 1U << o->kind;

	if (!body && !json_object_get(object, "at"))
		return plan_wrong(e, "at is missing: the time since the run began, as \"2s\"");
	if (o->kind == FAULT_ORDER_LINK && !o->nodes)
		return plan_wrong(e, "link is missing: must be FROM>TO or A<>B, as \"n1>n2\"");
	if (o->kind == FAULT_ORDER_LINK && !o->settings.set)
		return plan_wrong(e, "a link needs loss, delay, duplicate, reorder, corrupt, truncate or rate");
	if (o->kind == FAULT_ORDER_PARTITION && !o->nodes && !o->shape)
		return plan_wrong(e, "groups or shape is missing");
	if ((of & OF_NODES) && !o->nodes)
		return plan_wrong(e, "node is missing: " NODE_RIGHT);
	if (o->kind == FAULT_ORDER_SKEW && !json_object_get(object, "offset") && !json_object_get(object, "drift"))
		return plan_wrong(e, "a skew needs offset or drift");
	return 0;
}

static int take_object(struct fault_order *o, json_t *object, bool body, struct plan_error *e)
{
	const json_t *type = json_object_get(object, "type");
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return plan_wrong(e, "must be a JSON object");
	if (!type)
		return plan_wrong(e, "type is missing");
	if (!json_is_string(type))
		return wrong_value(e, "type", type, "must be a string");
	if (plan_kind(string_piece(type), &o->kind, e))
		return -1;
	o->drift = o->kind == FAULT_ORDER_SKEW ? 1 : 0;
	json_object_foreach(object, name, value)
		if (take_member(o, (struct piece){ name, strlen(name) }, value, body, e))
			return -1;
	return check_whole(o, object, body, e);
}

int plan_parse(struct fault_order *o, const char *json, size_t len, bool body, struct plan_error *e)
{
	json_error_t error;
	json_t *object = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	int rc;

	*o = (struct fault_order){ 0 };
	rc = object ? take_object(o, object, body, e) : plan_wrong(e, "no JSON: %s", error.text);
	json_decref(object);
	if (rc)
		fault_order_release(o);
	return rc;
}
