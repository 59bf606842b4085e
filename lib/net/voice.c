/* voice: see voice.h */
#include "lib/net/voice.h"
#include "lib/plan/plan.h"

#include <string.h>

enum { KEEP_BYTES = 1 << 16, INIT_MSG_ID = 1 };

static const char net_name[] = "net";

static void begin(struct buf *line, const char *dest, size_t len)
{
	buf_clear(line, KEEP_BYTES);
	wire_begin(line, net_name, sizeof(net_name) - 1, dest, len);
}

/* --- Names --- */

static bool is_member(const struct net_options *options, const struct voice_nodes *nodes, size_t i)
{
	return net_is_member(options, nodes->name(nodes->whose, i));
}

static void put_name(struct buf *line, const char *name)
{
	if (line->at[line->len - 1] != '[')
		buf_putc(line, ',');
	wire_put_string(line, name, strlen(name));
}

/* --- To a node --- */

void voice_init(struct buf *line, const char *node, const struct net_options *options, const struct voice_nodes *nodes)
{
	begin(line, node, strlen(node));
	buf_printf(line, "\"type\":\"init\",\"msg_id\":%d,\"node_id\":", INIT_MSG_ID);
	wire_put_string(line, node, strlen(node));
	buf_puts(line, ",\"node_ids\":[");
	for (size_t i = 0; i < nodes->count; i++)
		if (is_member(options, nodes, i))
			put_name(line, nodes->name(nodes->whose, i));
	buf_putc(line, ']');
	wire_end(line);
}

void voice_peer_down(struct buf *line, const char *node, const char *gone)
{
	begin(line, node, strlen(node));
	buf_puts(line, "\"type\":\"peer_down\",\"node\":");
	wire_put_string(line, gone, strlen(gone));
	wire_end(line);
}

const char *voice_init_error(const struct wire_names *names, const struct wire_line *line, char *text, size_t room)
{
	struct wire_value value[2];
	uint64_t msg_id;

	if (line->type.len != 5 || memcmp(line->type.p, "error", 5) != 0 ||
	    !wire_u64(&line->in_reply_to, &msg_id) || msg_id != INIT_MSG_ID)
		return NULL;
	wire_body(names, line->body, value);
	return wire_string(&value[1], text, room - 1) ? text : "it does not say which";
}

/* --- To a client --- */

void voice_begin_ok(struct buf *line, struct wire_text type, struct wire_text src, struct wire_text msg_id)
{
	begin(line, src.p, src.len);
	buf_printf(line, "\"type\":\"%.*s_ok\",\"in_reply_to\":", (int)type.len, type.p);
	buf_add(line, msg_id.p, msg_id.len);
}

void voice_ok(struct buf *line, const struct wire_line *asked, uint64_t id)
{
	voice_begin_ok(line, asked->type, asked->src, asked->msg_id.json);
	if (id) {
		buf_puts(line, ",\"id\":");
		buf_u64(line, id);
	}
	wire_end(line);
}

void voice_error(struct buf *line, struct wire_text src, struct wire_text msg_id, enum wire_code code, const char *text)
{
	buf_clear(line, KEEP_BYTES);
	wire_error(line, net_name, src, msg_id, code, text);
}

void voice_nodes(struct buf *line, const struct wire_line *asked, const struct voice_nodes *nodes)
{
	voice_begin_ok(line, asked->type, asked->src, asked->msg_id.json);
	buf_puts(line, ",\"nodes\":[");
	for (size_t i = 0; i < nodes->count; i++)
		put_name(line, nodes->name(nodes->whose, i));
	buf_puts(line, "],\"down\":[");
	for (size_t i = 0; i < nodes->count; i++)
		if (!nodes->is_up(nodes->whose, i))
			put_name(line, nodes->name(nodes->whose, i));
	buf_putc(line, ']');
	wire_end(line);
}

void voice_links(struct buf *line, const struct wire_line *asked, const struct net_options *options,
		 const struct fault_net *net, const struct fault_out *out)
{
	const struct fault_order all = {
		.kind = FAULT_ORDER_LINK, .nodes = (char[]){ "*>*" }, .settings = options->fault.settings,
	};
	const char *comma = "";

	voice_begin_ok(line, asked->type, asked->src, asked->msg_id.json);
	buf_puts(line, ",\"faults\":[");
	if (all.settings.set && !options->replay && !fault_net_calm(net)) {
		plan_print(line, &all, false);
		comma = ",";
	}
	for (size_t i = 0; i < out->count; i++) {
		buf_puts(line, comma);
		plan_print(line, &out->orders[i], false);
		comma = ",";
	}
	buf_putc(line, ']');
	wire_end(line);
}
