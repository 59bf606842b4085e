/* paxos_status: what is so now, for the runtime and for whoever asks. */
#include "lib/proto/paxos_coat.h"

const char *paxos_coat_leader(void *p)
{
	return paxos_leader(((struct coat *)p)->core);
}

bool paxos_coat_leading(void *p)
{
	struct coat *c = p;

	return c->leading && !c->transferring;
}

uint64_t paxos_coat_epoch(void *p)
{
	return paxos_ballot(((struct coat *)p)->core).round;
}

static int member(const struct paxos_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (!strcmp(config->member[i].name, name))
			return config->member[i].voter ? 2 : 1;
	return 0;
}

int paxos_coat_member(void *p, const char *name)
{
	return member(paxos_config_chosen(((struct coat *)p)->core), name);
}

static json_t *names_of(const struct paxos_config *config, bool voters)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < config->count; i++)
		if (config->member[i].voter == voters)
			json_array_append_new(list, json_string(config->member[i].name));
	return list;
}

static json_t *ballot_or_null(struct paxos_ballot b)
{
	return b.round ? json_pack("[I,s]", (json_int_t)b.round, b.node) : json_null();
}

static void put_number(json_t *s, const char *name, uint64_t number)
{
	json_object_set_new(s, name, json_integer((json_int_t)number));
}

static void put_followers(json_t *s, const struct paxos *core, const struct paxos_config *config)
{
	json_t *followers = json_object();

	for (uint32_t i = 0; i < config->count; i++) {
		struct paxos_progress progress;

		if (paxos_progress(core, config->member[i].name, &progress) &&
		    strcmp(config->member[i].name, paxos_leader(core)))
			json_object_set_new(followers, config->member[i].name,
					    json_pack("{s:I}", "match_index", (json_int_t)progress.accepted_upto));
	}
	json_object_set_new(s, "followers", followers);
}

void paxos_coat_status(void *p, json_t *s, uint64_t last_applied)
{
	static const char *const role[] = {
		[PAXOS_IS_FOLLOWER] = "follower", [PAXOS_IS_CANDIDATE] = "candidate", [PAXOS_IS_LEADER] = "leader",
		[PAXOS_IS_LEARNER] = "learner",
	};
	struct coat *c = p;
	const struct paxos *core = c->core;
	const struct paxos_config *config = paxos_config_latest(core);
	const char *leader = paxos_leader(core);
	paxos_slot last = paxos_last_slot(core);
	enum paxos_role is;

	/* Who is no voter of the newest configuration is a learner, whatever it does. */
	is = paxos_role(core);
	if (is == PAXOS_IS_FOLLOWER && member(config, node_id(c->node)) != 2)
		is = PAXOS_IS_LEARNER;
	json_object_set_new(s, "role", json_string(role[is]));
	json_object_set_new(s, "ballot", ballot_or_null(paxos_ballot(core)));
	json_object_set_new(s, "promised", ballot_or_null(paxos_promised(core)));
	json_object_set_new(s, "leader", *leader ? json_string(leader) : json_null());
	put_number(s, "commit_index", paxos_chosen_upto(core));
	put_number(s, "last_applied", last_applied);
	put_number(s, "first_index", paxos_first_slot(core));
	put_number(s, "last_index", last);
	put_number(s, "last_term", last >= paxos_first_slot(core) ? paxos_ballot_at(core, last).round : 0);
	put_number(s, "snapshot_index", paxos_snapshot_index(core));
	json_object_set_new(s, "voters", names_of(config, true));
	json_object_set_new(s, "learners", names_of(config, false));
	json_object_set_new(s, "votes", json_boolean(paxos_votes(core)));
	put_number(s, "registers", c->regs.count);
	if (paxos_role(core) == PAXOS_IS_LEADER)
		put_followers(s, core, config);
}
