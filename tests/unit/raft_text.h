/*
 * raft_text: what a Raft core says, as short lines, for the scenarios.
 */
#ifndef TESTS_UNIT_RAFT_TEXT_H
#define TESTS_UNIT_RAFT_TEXT_H

#include "tests/unit/raft_shell.h"

static const char commits[] = "commits";
#include "tests/unit/scenario_text.h"

enum { LEADS = RAFT_LEADER };

static const char *const type_text[] = {
	"request_vote", "request_vote_ok", "append_entries", "append_entries_ok", "install_snapshot", "install_snapshot_ok",
	"timeout_now",
};

static const char *role_of(const struct shell *s)
{
	static char is[64];

	snprintf(is, sizeof(is), "%s, term %" PRIu64, role_text[raft_role(s->raft)], raft_current_term(s->raft));
	return is;
}

static bool writes(const struct raft_out *out)
{
	return out->hard_state || out->truncate_from || out->append;
}

static uint64_t committed(const struct raft_out *out)
{
	return out->commit_index;
}

static const struct raft_config *settled(const struct shell *s)
{
	return raft_config_committed(s->raft);
}

static uint64_t read_at(const struct raft_out *out)
{
	return out->read_index;
}

static void put_item(struct text *t, raft_index index, const struct item *item)
{
	put(t, " %" PRIu64 "/%" PRIu64, index, item->term);
	if (item->config)
		put_config(t, item->config);
	else if (item->label[0])
		put(t, ":%s", item->label);
}

static void put_items(struct text *t, raft_index first, const struct item *items, uint32_t count)
{
	if (count > 12) {
		put_item(t, first, &items[0]);
		put(t, " ..");
		put_item(t, first + count - 1, &items[count - 1]);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		put_item(t, first + i, &items[i]);
}

static void put_append(struct text *t, const struct packet *p)
{
	const struct raft_message *m = &p->m;

	put(t, "append_entries term %" PRIu64 " prev %" PRIu64 "/%" PRIu64, m->term, m->prev_log_index,
	    m->prev_log_term);
	if (m->count) {
		put(t, " entries");
		put_items(t, m->prev_log_index + 1, p->items, m->count);
	}
	put(t, " commit %" PRIu64, m->leader_commit);
}

static void put_append_ok(struct text *t, const struct raft_message *m)
{
	put(t, "append_entries_ok term %" PRIu64, m->term);
	if (m->success)
		put(t, " match %" PRIu64, m->match_index);
	else
		put(t, " refused");
	if (m->conflict_index)
		put(t, " conflict %" PRIu64 "/%" PRIu64, m->conflict_index, m->conflict_term);
}

static void put_packet(struct text *t, const struct packet *p)
{
	const struct raft_message *m = &p->m;

	put(t, "n%d>n%d ", p->from, p->to);
	switch (m->type) {
	case RAFT_REQUEST_VOTE:
		put(t, "request_vote term %" PRIu64 " last %" PRIu64 "/%" PRIu64, m->term, m->last_log_index, m->last_log_term);
		break;
	case RAFT_REQUEST_VOTE_OK:
		put(t, "request_vote_ok term %" PRIu64 " %s", m->term, m->vote_granted ? "granted" : "refused");
		break;
	case RAFT_APPEND_ENTRIES:
		put_append(t, p);
		break;
	case RAFT_APPEND_ENTRIES_OK:
		put_append_ok(t, m);
		break;
	case RAFT_INSTALL_SNAPSHOT:
		put(t, "install_snapshot term %" PRIu64 " of %" PRIu64 "/%" PRIu64 " bytes %" PRIu64 "-%" PRIu64 "%s", m->term,
		    m->last_included_index, m->last_included_term, m->offset, m->offset + m->data_bytes,
		    m->done ? " done" : "");
		break;
	case RAFT_INSTALL_SNAPSHOT_OK:
		put(t, "install_snapshot_ok term %" PRIu64 " offset %" PRIu64, m->term, m->offset);
		break;
	case RAFT_TIMEOUT_NOW:
		put(t, "timeout_now term %" PRIu64, m->term);
		break;
	}
	put(t, "%s%s", m->pre_vote ? " pre_vote" : "", m->transfer ? " transfer" : "");
	if (m->round)
		put(t, " round %" PRIu64, m->round);
}

static void put_persist(struct text *t, const struct shell *s, const struct raft_out *out)
{
	if (out->hard_state)
		put(t, "  %s writes term %" PRIu64 "%s%s\n", s->name, raft_current_term(s->raft),
		    raft_voted_for(s->raft)[0] ? " vote " : "", raft_voted_for(s->raft));
	if (out->truncate_from)
		put(t, "  %s truncates from %" PRIu64 "\n", s->name, out->truncate_from);
	if (out->append != RAFT_APPEND_NONE) {
		put(t, "  %s appends", s->name);
		put_items(t, out->append_first, store_at(&s->memory, out->append_first), out->append_count);
		put(t, "\n");
	}
}

static void put_status(struct text *t, const struct shell *s)
{
	const struct raft *r = s->raft;

	put(t, "%s %s term %" PRIu64, s->name, role_text[raft_role(r)], raft_current_term(r));
	put(t, " leader %s", raft_leader(r)[0] ? raft_leader(r) : "unknown");
	put(t, " commit %" PRIu64 " log %" PRIu64 "..%" PRIu64 "\n", raft_commit_index(r), raft_first_index(r),
	    raft_last_index(r));
	for (int i = 1; i < SHELL_NODES_MAX; i++) {
		static const char *const state[] = { "probe", "replicate", "snapshot" };
		struct raft_progress p;
		char name[8];

		shell_name(name, i);
		if (raft_progress(r, name, &p))
			put(t, "  %s %s match %" PRIu64 " next %" PRIu64 "\n", name, state[p.state], p.match_index, p.next_index);
	}
}

static void put_log(struct text *t, const struct shell *s)
{
	const struct store *m = &s->memory;

	put(t, "%s", s->name);
	if (m->base)
		put(t, " .. %" PRIu64 "/%" PRIu64, m->base, m->base_term);
	for (size_t i = 0; i < m->count; i++) {
		if (m->base + i == raft_commit_index(s->raft))
			put(t, " |");
		put_item(t, m->base + 1 + i, &m->item[i]);
	}
	put(t, "\n");
}

#endif
