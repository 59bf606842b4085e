/* memory: what the checker allocates, counted in bytes asked for. */
#include "lib/lin/inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void *lin_memory_array(struct lin_memory *m, void *old, size_t had, size_t count, size_t each)
{
	void *array;

	assert(count > 0 && each > 0);
	if (count > SIZE_MAX / each)
		return NULL;
	/* While it moves a small array realloc holds both; a large one it moves by its pages. */
	if (m->max && (m->now - had * each > m->max || count * each > m->max - (m->now - had * each)))
		return NULL;
	array = realloc(old, count * each);
	if (!array)
		return NULL;
	m->now += count * each - had * each;
	if (m->now > m->peak)
		m->peak = m->now;
	return array;
}

void lin_memory_free(struct lin_memory *m, void *array, size_t count, size_t each)
{
	if (!array)
		return;
	assert(m->now >= count * each);
	m->now -= count * each;
	free(array);
}

bool lin_memory_more(struct lin_memory *m, void *array, uint32_t *room, size_t each)
{
	enum { FIRST = 16 };
	uint32_t more = *room ? *room + *room / 2 + 1 : FIRST;
	void *old, *larger;

	if (more < *room)
		return false;
	memcpy(&old, array, sizeof(old));
	larger = lin_memory_array(m, old, *room, more, each);
	if (!larger)
		return false;
	memcpy(array, &larger, sizeof(larger));
	*room = more;
	return true;
}
