/* An order as JSON, its members in the order of faultline-plan(5). */
#include "lib/plan/inside.h"

static void print_string(struct buf *b, struct piece text)
{
	wire_put_string(b, text.p, text.len);
}

/* The text of a node, or of several. */
static void print_list(struct buf *b, struct piece names)
{
	const char *comma = "[";

	while (names.p) {
		buf_puts(b, comma);
		print_string(b, piece_cut(&names, ','));
		comma = ",";
	}
	buf_putc(b, ']');
}

static struct piece nodes_of(const struct fault_order *o)
{
	return (struct piece){ o->nodes, strlen(o->nodes) };
}

static void print_node(struct buf *b, const struct fault_order *o)
{
	buf_puts(b, ",\"node\":");
	if (strchr(o->nodes, ','))
		print_list(b, nodes_of(o));
	else
		print_string(b, nodes_of(o));
}

/* A shape that was drawn has the groups that came of it besides. */
static void print_partition(struct buf *b, const struct fault_order *o)
{
	const char *comma = ",\"groups\":[";

	if (o->shape)
		buf_printf(b, ",\"shape\":\"%s\"", plan_shape_name[o->shape]);
	if (o->nodes && *o->nodes) {
		for (struct piece rest = nodes_of(o); rest.p; comma = ",") {
			buf_puts(b, comma);
			print_list(b, piece_cut(&rest, '|'));
		}
		buf_putc(b, ']');
	}
}

static void print_skew(struct buf *b, const struct fault_order *o)
{
	uint64_t ns = o->offset_ns < 0 ? 0 - (uint64_t)o->offset_ns : (uint64_t)o->offset_ns;

	buf_puts(b, o->offset_ns < 0 ? ",\"offset\":\"-" : ",\"offset\":\"");
	plan_duration_print(b, ns);
	buf_puts(b, "\",\"drift\":");
	plan_number_print(b, o->drift);
}

void plan_print(struct buf *b, const struct fault_order *o, bool with_at)
{
	buf_putc(b, '{');
	if (with_at) {
		buf_puts(b, "\"at\":\"");
		plan_duration_print(b, o->at_ns);
		buf_puts(b, "\",");
	}
	buf_printf(b, "\"type\":\"%s\"", plan_kind_name[o->kind]);
	if (o->id)
		buf_printf(b, ",\"id\":%ju", (uintmax_t)o->id);
	if (o->kind == FAULT_ORDER_LINK) {
		buf_puts(b, ",\"link\":");
		print_string(b, nodes_of(o));
	} else if (o->kind == FAULT_ORDER_PARTITION) {
		print_partition(b, o);
	} else if (plan_of_nodes(o->kind)) {
		print_node(b, o);
	}
	if (o->one_way && (o->kind == FAULT_ORDER_PARTITION || o->kind == FAULT_ORDER_ISOLATE))
		buf_puts(b, ",\"one_way\":true");
	if (o->kind == FAULT_ORDER_SKEW)
		print_skew(b, o);
	if (o->kind == FAULT_ORDER_LINK)
		plan_settings_print(b, &o->settings);
	if (o->for_ns && plan_lasts(o->kind)) {
		buf_puts(b, ",\"for\":\"");
		plan_duration_print(b, o->for_ns);
		buf_putc(b, '"');
	}
	buf_putc(b, '}');
}
