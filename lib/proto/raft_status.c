/* raft_status: what is so now, for the runtime and for whoever asks. */
#include "lib/proto/raft_coat.h"

#include <string.h>

const char *raft_coat_leader(void *p)
{
	return raft_leader(((struct coat *)p)->core);
}

bool raft_coat_leading(void *p)
{
	struct coat *c = p;

	return c->leading && !c->transferring;
}

uint64_t raft_coat_epoch(void *p)
{
	return raft_current_term(((struct coat *)p)->core);
}

int raft_coat_member(void *p, const char *name)
{
	const struct raft_config *config = raft_config_committed(((struct coat *)p)->core);

	for (uint32_t i = 0; i < config->count; i++)
		if (!strcmp(config->member[i].name, name))
			return config->member[i].voter ? 2 : 1;
	return 0;
}

static json_t *names_of(const struct raft_config *config, bool voters)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < config->count; i++)
		if (config->member[i].voter == voters)
			json_array_append_new(list, json_string(config->member[i].name));
	return list;
}

static json_t *name_or_null(const char *name)
{
	return *name ? json_string(name) : json_null();
}

void raft_coat_status(void *p, json_t *s, uint64_t last_applied)
{
	static const char *const role[] = {
		[RAFT_FOLLOWER] = "follower", [RAFT_CANDIDATE] = "candidate", [RAFT_LEADER] = "leader",
		[RAFT_LEARNER] = "learner",
	};
	const struct raft *r = ((struct coat *)p)->core;
	const struct raft_config *config = raft_config_latest(r);
	json_t *followers = json_object();

	json_object_set_new(s, "role", json_string(role[raft_role(r)]));
	json_object_set_new(s, "term", json_integer((json_int_t)raft_current_term(r)));
	json_object_set_new(s, "voted_for", name_or_null(raft_voted_for(r)));
	json_object_set_new(s, "leader", name_or_null(raft_leader(r)));
	json_object_set_new(s, "commit_index", json_integer((json_int_t)raft_commit_index(r)));
	json_object_set_new(s, "last_applied", json_integer((json_int_t)last_applied));
	json_object_set_new(s, "first_index", json_integer((json_int_t)raft_first_index(r)));
	json_object_set_new(s, "last_index", json_integer((json_int_t)raft_last_index(r)));
	json_object_set_new(s, "last_term", json_integer((json_int_t)raft_term_at(r, raft_last_index(r))));
	json_object_set_new(s, "snapshot_index", json_integer((json_int_t)raft_snapshot_index(r)));
	json_object_set_new(s, "voters", names_of(config, true));
	json_object_set_new(s, "learners", names_of(config, false));
	for (uint32_t i = 0; i < config->count; i++) {
		struct raft_progress progress;

		if (raft_progress(r, config->member[i].name, &progress) && strcmp(config->member[i].name, raft_leader(r)))
			json_object_set_new(followers, config->member[i].name,
					    json_pack("{s:I}", "match_index", (json_int_t)progress.match_index));
	}
	if (raft_role(r) == RAFT_LEADER)
		json_object_set(s, "followers", followers);
	json_decref(followers);
}
